; INT 15: how much memory (88, E801, E820, E881), moving it (87), the A20 gate (24), and the
; 286's way to protected mode (89). ACPI 6.0 section 15 for E820; Ralf Brown for the rest.

E820_RAM		equ	1
E820_RESERVED		equ	2

; AH=88: AX = KiB above 1 MiB, at most what 16 bits and old programs can take.
memory_88:
	call	memory_above_1m
	shr	eax, 10
	cmp	eax, 0xfc00		; 63 MiB: more would look like less to some
	jbe	.fits
	mov	ax, 0xfc00
.fits:
	mov	[bp + F_AX], ax
	CLEAR_C
	ret

; AH=E8.
memory_map_service:
	cmp	al, 0x20
	je	e820
	cmp	al, 0x01
	je	e801
	cmp	al, 0x81
	je	e881
	mov	byte [bp + F_AH], 0x86
	SET_C
	ret

; AX=E801: AX = CX = KiB from 1 to 16 MiB, BX = DX = 64 KiB units above 16 MiB.
e801:
	call	memory_split
	mov	[bp + F_AX], ax
	mov	[bp + F_CX], ax
	mov	[bp + F_BX], bx
	mov	[bp + F_DX], bx
	CLEAR_C
	ret

; AX=E881: the same in 32 bits.
e881:
	call	memory_split
	mov	[bp + F_EAX], eax
	mov	[bp + F_ECX], eax
	mov	[bp + F_EBX], ebx
	mov	[bp + F_EDX], ebx
	CLEAR_C
	ret

; EAX = KiB from 1 to 16 MiB, EBX = 64 KiB units above.
memory_split:
	call	memory_above_1m
	xor	ebx, ebx
	shr	eax, 10
	cmp	eax, 15 << 10
	jbe	.done
	lea	ebx, [eax - (15 << 10)]
	shr	ebx, 6
	mov	eax, 15 << 10
.done:
	ret

; AX=E820: EDX=SMAP, EBX = which range (0 first), ES:DI = ECX bytes for it. A range is base
; (8 bytes), length (8), type (4). EBX back: the next one, 0 after the last.
e820:
	cmp	dword [bp + F_EDX], "PAMS"
	jne	.bad
	cmp	dword [bp + F_ECX], 20
	jb	.bad
	cmp	dword [bp + F_EBX], 4
	ja	.bad
	call	memory_above_1m
	mov	edx, eax
	mov	si, [bp + F_BX]
	movzx	eax, word [BDA_MEM_KB]
	shl	eax, 10			; EAX = end of conventional memory
	mov	es, [bp + F_ES]
	mov	di, [bp + F_DI]
	shl	si, 1
	jmp	[cs:.ranges + si]
.ranges:
	dw	.conventional, .ebda, .rom, .extended, .rom_top
.conventional:
	mov	ecx, eax
	xor	ebx, ebx
	mov	al, E820_RAM
	jmp	.store
.ebda:
	mov	ebx, eax
	mov	ecx, 0xa0000
	sub	ecx, eax
	mov	al, E820_RESERVED
	jmp	.store
.rom:					; option ROMs may lie from C0000 on: not memory either
	mov	ebx, 0xf0000
	mov	ecx, 0x10000
	mov	al, E820_RESERVED
	jmp	.store
.extended:
	test	edx, edx		; a machine of 1 MiB has none: the next range
	jnz	.some
	inc	dword [bp + F_EBX]
	jmp	.rom_top
.some:
	mov	ebx, 0x100000
	mov	ecx, edx
	mov	al, E820_RAM
	jmp	.store
.rom_top:
	mov	ebx, 0xffff0000
	mov	ecx, 0x10000
	mov	al, E820_RESERVED
.store:					; base EBX, length ECX, type AL
	mov	[es:di], ebx
	mov	dword [es:di + 4], 0
	mov	[es:di + 8], ecx
	mov	dword [es:di + 12], 0
	movzx	eax, al
	mov	[es:di + 16], eax
	mov	eax, [bp + F_EBX]
	inc	eax
	cmp	eax, 5
	jb	.more
	xor	eax, eax
.more:
	mov	[bp + F_EBX], eax
	mov	dword [bp + F_ECX], 20
	mov	dword [bp + F_EAX], "PAMS"
	CLEAR_C
	ret
.bad:
	mov	byte [bp + F_AH], 0x86
	SET_C
	ret

; AH=24: the A20 gate. 00 off, 01 on, 02 AL = state, 03 BX = ways to do it. The line is on
; when the 8042 or port 92 says so; we leave it to the 8042.
a20_service:
	cmp	al, 3
	ja	.unknown
	je	.ways
	cmp	al, 1
	ja	.state
	mov	ah, KBC_A20_ON
	je	.switch
	in	al, SYS_PORT_A
	and	al, 0xfc		; never pull reset
	out	SYS_PORT_A, al
	mov	ah, KBC_A20_OFF
.switch:
	mov	al, ah
	call	kbc_command
	jmp	.ok
.state:					; does FFFF:0010 show what is at 0000:0000?
	cli
	xor	bx, bx
	mov	fs, bx
	dec	bx
	mov	gs, bx
	mov	bx, [fs:0]
	mov	ax, bx
	xor	ax, [gs:0x10]
	jnz	.differs
	not	word [fs:0]
	mov	ax, [fs:0]
	xor	ax, [gs:0x10]
	mov	[fs:0], bx
.differs:
	add	ax, 0xffff		; CF set when AX was not 0
	setc	[bp + F_AL]
	jmp	.ok
.ways:
	mov	word [bp + F_BX], 3	; keyboard controller and port 92
.ok:
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret
.unknown:
	mov	byte [bp + F_AH], 0x86
	SET_C
	ret

; AH=87: moves CX words from the descriptor at ES:SI + 10h to that at ES:SI + 18h. The
; caller leaves room in his table for the GDT itself (08), our CS (20) and SS (28).
MOVE_SOURCE		equ	0x10
MOVE_TARGET		equ	0x18
MOVE_CODE		equ	0x20
MOVE_STACK		equ	0x28
block_move:
	mov	cx, [bp + F_CX]
	mov	ax, cx
	dec	ax
	cmp	ax, 0x7fff		; 1 to 8000h words
	ja	.bad
	mov	es, [bp + F_ES]
	mov	si, [bp + F_SI]
	cli
	movzx	eax, word [bp + F_ES]	; descriptor 08: the table itself, as data
	shl	eax, 4
	movzx	edx, si
	add	eax, edx
	mov	word [es:si + 8], MOVE_STACK + 7
	mov	[es:si + 10], eax	; 24 bits of base; the access byte is next
	mov	byte [es:si + 13], 0x93
	mov	word [es:si + 14], 0
	mov	dword [es:si + MOVE_CODE], 0x0000ffff
	mov	dword [es:si + MOVE_CODE + 4], 0x00009b0f
	mov	dword [es:si + MOVE_STACK], 0x0000ffff
	mov	dword [es:si + MOVE_STACK + 4], 0x00009300
	in	al, SYS_PORT_A
	push	ax
	or	al, 2			; A20 on
	and	al, 0xfe
	out	SYS_PORT_A, al
	lgdt	[es:si + 8]		; 24 bits of base, as this operand size has it
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	MOVE_CODE:.protected
.protected:
	mov	ax, MOVE_SOURCE
	mov	ds, ax
	mov	ax, MOVE_TARGET
	mov	es, ax
	xor	si, si
	xor	di, di
	shr	cx, 1
	rep movsd
	adc	cx, cx
	rep movsw
	mov	ax, MOVE_STACK		; limits that real mode is used to
	mov	ds, ax
	mov	es, ax
	mov	eax, cr0
	and	al, 0xfe
	mov	cr0, eax
	jmp	0xf000:.real
.real:
	pop	ax
	and	al, 0xfe
	out	SYS_PORT_A, al
	push	BDA_SEG
	pop	ds
	mov	byte [bp + F_AH], 0
	CLEAR_C
	or	byte [bp + F_FLAGS], FLAG_Z
	ret
.bad:
	mov	byte [bp + F_AH], 0x01
	SET_C
	and	byte [bp + F_FLAGS], ~FLAG_Z & 0xff
	ret

; AH=89: to protected mode with the caller's GDT at ES:SI (08 GDT, 10 IDT, 18 DS, 20 ES, 28
; SS, 30 CS of the caller, 38 CS of the BIOS); BH, BL = vectors for the two 8259s.
protected_mode:
	mov	es, [bp + F_ES]
	mov	si, [bp + F_SI]
	mov	bx, [bp + F_BX]
	cli
	in	al, SYS_PORT_A
	or	al, 2
	and	al, 0xfe
	out	SYS_PORT_A, al
	mov	al, 0x11
	out	PIC1_CMD, al
	out	PIC2_CMD, al
	mov	al, bh
	out	PIC1_DATA, al
	mov	al, bl
	out	PIC2_DATA, al
	mov	al, 0x04
	out	PIC1_DATA, al
	mov	al, 0x02
	out	PIC2_DATA, al
	mov	al, 0x01
	out	PIC1_DATA, al
	out	PIC2_DATA, al
	mov	al, 0xff
	out	PIC1_DATA, al
	out	PIC2_DATA, al
	mov	dword [es:si + 0x38], 0x0000ffff
	mov	dword [es:si + 0x3c], 0x00009b0f
	lgdt	[es:si + 0x08]
	lidt	[es:si + 0x10]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	0x38:.protected
.protected:
	mov	ax, 0x28
	mov	ss, ax
	mov	ax, 0x18
	mov	ds, ax
	mov	ax, 0x20
	mov	es, ax
	lea	sp, [bp + F_EDI]	; over the real-mode DS and ES
	popad
	pop	cx			; back to the caller's IP in his new CS, flags dropped
	add	sp, 4
	push	word 0x30
	push	cx
	xor	ax, ax
	retf
