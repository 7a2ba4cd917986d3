; Power-on: what runs from the reset vector until INT 19. It builds the vector table and
; the data areas, starts the chips, lets the option ROMs initialise, finds the drives.
; IBM PC/AT Technical Reference, section 5; shutdown codes: Ralf Brown's CMOS.LST, 0Fh.

post:
	cli
	cld
	; A program that leaves protected mode by a reset says in CMOS 0F how to go on.
	; Nothing may be touched before that is known.
	mov	al, CMOS_SHUTDOWN | 0x80
	out	CMOS_INDEX, al
	in	al, CMOS_DATA
	xchg	al, ah
	mov	al, CMOS_SHUTDOWN | 0x80
	out	CMOS_INDEX, al
	mov	al, 0
	out	CMOS_DATA, al
	mov	al, CMOS_STATUS_D	; and NMI on again
	out	CMOS_INDEX, al
	cmp	ah, 0x05
	je	.resume_eoi
	cmp	ah, 0x09
	je	.resume_block_move
	cmp	ah, 0x0a
	je	.resume
	cmp	ah, 0x0b
	je	.resume_iret
	cmp	ah, 0x0c
	je	.resume_retf
	jmp	.power_on

.resume_eoi:				; 05: end the interrupts in service, then far jump
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	out	PIC1_CMD, al
.resume:				; 0A: far jump
	xor	ax, ax
	mov	ds, ax
	jmp	far [BDA_SEG * 16 + BDA_RESUME]
.resume_block_move:			; 09: the end of a 286's INT 15 AH=87
	call	.resume_stack
	pop	ds
	pop	es
	popa
	iret
.resume_iret:				; 0B
	xor	ax, ax
	mov	ds, ax
	lss	sp, [BDA_SEG * 16 + BDA_RESUME]
	iret
.resume_retf:				; 0C
	xor	ax, ax
	mov	ds, ax
	lss	sp, [BDA_SEG * 16 + BDA_RESUME]
	retf
.resume_stack:				; SS:SP from 40:67, keeping our return address
	pop	bx
	xor	ax, ax
	mov	ds, ax
	lss	sp, [BDA_SEG * 16 + BDA_RESUME]
	jmp	bx

.power_on:
	xor	ax, ax
	mov	ss, ax
	mov	sp, 0x7c00
	xor	al, al			; A20 is the 8042's to hold (init_keyboard), so that
	out	SYS_PORT_A, al		; programs can turn it off there

	push	BDA_SEG
	pop	ds
	push	BDA_SEG
	pop	es
	push	word [BDA_RESET_FLAG]
	xor	di, di
	mov	cx, 128
	xor	ax, ax
	rep stosw
	pop	word [BDA_RESET_FLAG]

	call	init_vectors
	call	init_memory_size
	call	init_pic
	call	init_pit
	call	init_dma
	call	init_rtc
	call	init_keyboard
	call	init_ports

%ifdef CARRY_VIDEO_BIOS			; for machines whose C0000 is RAM: see copy_video_bios
	call	copy_video_bios
%endif
	mov	bx, 0xc000		; the video BIOS first, so that we can speak
	mov	dx, 0xc800
	call	scan_roms
	PRINT	"Umbra86 BIOS, "
	movzx	eax, word [BDA_MEM_KB]
	call	print_dec
	PRINT	" KiB + "
	call	memory_above_1m
	shr	eax, 10
	call	print_dec
	PRINT	" KiB of memory", 13, 10

	sti
	call	init_floppies
	call	init_drives
	mov	bx, 0xc800
	mov	dx, 0xf000
	call	scan_roms
	call	read_boot_order
	int	0x19
	jmp	$

; Fills the interrupt vectors. 60-67 and 78-FF are left zero: programs look there for "free".
init_vectors:
	push	es
	xor	ax, ax
	mov	es, ax
	xor	di, di
	mov	cx, 512
	rep stosw

	xor	di, di
	mov	si, vector_table
	mov	cx, (vector_table.end - vector_table) / 2
.low:
	cs lodsw
	stosw
	mov	ax, cs
	stosw
	loop	.low

	mov	cx, 0x60 - 0x20		; 20-5F: nothing there, return
	call	.fill_iret
	mov	di, 0x68 * 4
	mov	cx, 0x70 - 0x68
	call	.fill_iret
	mov	cx, 8			; 70-77: IRQ 8-15
.high:
	cs lodsw
	stosw
	mov	ax, cs
	stosw
	loop	.high

	mov	word [es:0x40 * 4], int40
	mov	word [es:0x41 * 4], 0xe401
	mov	word [es:0x42 * 4], 0xf065
	mov	word [es:0x43 * 4], font_8x8_low
	mov	word [es:0x46 * 4], 0xe401
	mov	word [es:0x1f * 4], 0	; the video BIOS has the glyphs 128-255
	mov	word [es:0x1f * 4 + 2], 0
	pop	es
	ret
.fill_iret:
	mov	ax, dummy_iret
	stosw
	mov	ax, cs
	stosw
	loop	.fill_iret
	ret

vector_table:				; INT 00 to 1F
	dw	fault_divide, dummy_iret, nmi, dummy_iret
	dw	dummy_iret, 0xff54, fault_opcode, fault_no_fpu
	dw	0xfea5, 0xe987, irq_low, irq_low
	dw	irq4, irq5, 0xef57, irq_low
	dw	0xf065, 0xf84d, 0xf841, 0xe3fe
	dw	0xe739, 0xf859, 0xe82e, 0xefd2
	dw	int18, 0xe6f2, 0xfe6e, dummy_iret
	dw	dummy_iret, 0xf0a4, 0xefc7, 0
.end:
	dw	irq8, irq9, irq_high, irq_high	; IRQ 8 to 15
	dw	irq12, irq13, irq14, irq15

; INT 12's memory, and our data area at the end of it.
init_memory_size:
	push	es
	mov	al, CMOS_BASE_KB
	call	cmos_read_word
	cmp	ax, 64
	jb	.odd
	cmp	ax, 640
	jbe	.known
.odd:
	mov	ax, 640
.known:
	sub	ax, EBDA_KB
	mov	[BDA_MEM_KB], ax
	shl	ax, 6
	mov	[BDA_EBDA], ax
	mov	es, ax
	xor	di, di
	mov	cx, EBDA_KB * 512
	xor	ax, ax
	rep stosw
	mov	byte [es:EBDA_SIZE], EBDA_KB
	pop	es
	ret

%ifdef CARRY_VIDEO_BIOS
; For tests on other emulators: our video BIOS rides in the lower half of a 128 KiB image.
copy_video_bios:
	push	ds
	push	es
	push	0xe000
	pop	ds
	push	0xc000
	pop	es
	xor	si, si
	xor	di, di
	mov	cx, 0x8000 / 4
	rep movsd
	pop	es
	pop	ds
	ret
%endif

; Calls the initialisation of every option ROM between segments BX and DX: 55 AA, length
; in 512-byte units, all bytes summing to zero, entry at offset 3. BBS 1.01 section 3.2.
scan_roms:
	mov	es, bx
	cmp	word [es:0], 0xaa55
	jne	.none
	movzx	ecx, byte [es:2]
	shl	ecx, 9
	jz	.none
	call	rom_sum
	jnz	.none
	pushad
	push	ds
	push	es
	push	cs			; the far return address of the call
	push	.back
	push	es
	push	3
	mov	ax, 0xf000		; no PnP: what a legacy ROM expects
	mov	es, ax
	mov	di, 0xffff
	retf
.back:
	cli
	cld
	pop	es
	pop	ds
	popad
	shr	ecx, 4			; paragraphs, to the next 2 KiB
	add	cx, 0x7f
	and	cx, ~0x7f & 0xffff
	add	bx, cx
	jc	.end
	jmp	.more
.none:
	add	bx, 0x80
	jc	.end
.more:
	cmp	bx, dx
	jb	scan_roms
.end:
	sti
	ret

; ZF set when the ECX bytes (up to 128 KiB) at ES:0 sum to zero. Keeps all registers.
rom_sum:
	push	ecx
	push	si
	push	ds
	push	es
	pop	ds
	xor	ax, ax
	xor	si, si
.byte:
	lodsb
	add	ah, al
	test	si, si
	jnz	.same
	mov	si, ds			; past 64 KiB
	add	si, 0x1000
	mov	ds, si
	xor	si, si
.same:
	dec	ecx
	jnz	.byte
	test	ah, ah
	pop	ds
	pop	si
	pop	ecx
	ret
