; POST: the chips on the board.
; 8259A, 8254, 8237A and MC146818 datasheets; 8042: IBM PC/AT Technical Reference, section 1.

; AL = CMOS cell AL. Keeps NMI on.
cmos_read:
	out	CMOS_INDEX, al
	in	al, CMOS_DATA
	ret

; AX = CMOS cells AL (low byte) and AL + 1.
cmos_read_word:
	push	bx
	mov	bl, al
	inc	al
	call	cmos_read
	mov	ah, al
	mov	al, bl
	call	cmos_read
	pop	bx
	ret

; CMOS cell AL = AH.
cmos_write:
	out	CMOS_INDEX, al
	xchg	al, ah
	out	CMOS_DATA, al
	xchg	al, ah
	ret

; EAX = bytes of memory from 1 MiB up. Keeps the other registers.
memory_above_1m:
	push	ebx
	mov	al, CMOS_EXT_64K
	call	cmos_read_word
	movzx	ebx, ax
	shl	ebx, 16			; 64 KiB units above 16 MiB
	jz	.small
	add	ebx, 15 << 20
	mov	eax, ebx
	pop	ebx
	ret
.small:
	mov	al, CMOS_EXT2_KB
	call	cmos_read_word
	test	ax, ax
	jnz	.known
	mov	al, CMOS_EXT_KB
	call	cmos_read_word
.known:
	movzx	eax, ax
	shl	eax, 10
	pop	ebx
	ret

init_pic:
	mov	al, 0x11		; ICW1: edges, cascade, ICW4 follows
	out	PIC1_CMD, al
	out	PIC2_CMD, al
	mov	al, 0x08		; ICW2: vectors
	out	PIC1_DATA, al
	mov	al, 0x70
	out	PIC2_DATA, al
	mov	al, 0x04		; ICW3: the slave is on IRQ 2
	out	PIC1_DATA, al
	mov	al, 0x02
	out	PIC2_DATA, al
	mov	al, 0x01		; ICW4: 8086 mode
	out	PIC1_DATA, al
	out	PIC2_DATA, al
	mov	al, 0xb8		; timer, keyboard, cascade, floppy
	out	PIC1_DATA, al
	mov	al, 0x0f		; mouse, FPU, both ATA channels
	out	PIC2_DATA, al
	ret

init_pit:
	mov	al, 0x36		; channel 0: square wave, 65536
	out	PIT_CMD, al
	xor	al, al
	out	PIT_CH0, al
	out	PIT_CH0, al
	mov	al, 0x54		; channel 1: refresh, 18
	out	PIT_CMD, al
	mov	al, 18
	out	PIT_CH1, al
	mov	al, 0xb6		; channel 2: speaker, 1193 (1 kHz)
	out	PIT_CMD, al
	mov	al, 0xa9
	out	PIT_CH2, al
	mov	al, 0x04
	out	PIT_CH2, al
	in	al, SYS_PORT_B
	and	al, 0xfc		; silent
	out	SYS_PORT_B, al
	ret

init_dma:
	xor	al, al
	out	0x0d, al		; master clear
	out	0xda, al
	mov	al, 0xc0		; channel 4: cascade
	out	0xd6, al
	xor	al, al
	out	0xd4, al		; unmask the cascade
	ret

; Starts the clock, and sets the tick count from the time of day.
init_rtc:
	mov	ax, 0x2600 | CMOS_STATUS_A	; 32 kHz, periodic rate 1024 Hz
	call	cmos_write
	mov	ax, 0x0200 | CMOS_STATUS_B	; 24 hours, BCD, no interrupts
	call	cmos_write
	mov	al, CMOS_STATUS_C
	call	cmos_read
	mov	al, CMOS_STATUS_D
	call	cmos_read

	call	rtc_wait_stable
	mov	al, 0x04
	call	.bcd
	imul	ecx, eax, 3600
	mov	al, 0x02
	call	.bcd
	imul	eax, eax, 60
	add	ecx, eax
	mov	al, CMOS_SEC
	call	.bcd
	add	eax, ecx
	mov	ecx, 1193182		; ticks = seconds * 1193182 / 65536
	mul	ecx
	shrd	eax, edx, 16
	mov	[BDA_TICKS], eax
	ret
.bcd:					; EAX = the value of the BCD cell AL
	call	cmos_read
	mov	ah, al
	shr	ah, 4
	and	al, 15
	aad
	movzx	eax, al
	ret

; 8042: A20 on, self test, keyboard on, translation on, the keyboard reset; then the buffer.
init_keyboard:
	mov	word [BDA_KBD_HEAD], BDA_KBD_BUF
	mov	word [BDA_KBD_TAIL], BDA_KBD_BUF
	mov	word [BDA_KBD_START], BDA_KBD_BUF
	mov	word [BDA_KBD_END], BDA_KBD_BUF + 32
	mov	byte [BDA_KBD_FLAGS3], KBD3_101
	mov	al, 0xad		; keyboard off
	call	kbc_command
	mov	al, 0xa7		; mouse off
	call	kbc_command
	call	kbc_drain
	mov	al, 0xaa		; self test: 55
	call	kbc_command
	call	kbc_read
	mov	al, KBC_A20_ON
	call	kbc_command
	mov	al, 0xae		; keyboard on
	call	kbc_command
	mov	al, 0xff		; keyboard reset: FA, AA
	call	kbc_write
	call	kbc_read
	call	kbc_read
	call	kbc_drain
	mov	al, 0x60
	call	kbc_command
	mov	al, 0x61		; IRQ 1 on, mouse off, translate to set 1
	or	al, 0x04		; system flag: POST is over
	call	kbc_write
	mov	al, 0xf4		; scan
	call	kbc_write
	call	kbc_read
	jmp	kbc_drain

; Command AL to the controller, byte AL to its data port. Give up when it never listens.
kbc_command:
	call	kbc_wait_input
	out	KBC_CMD, al
	ret
kbc_write:
	call	kbc_wait_input
	out	KBC_DATA, al
	ret
kbc_wait_input:
	push	ax
	push	ecx
	mov	ecx, 100000
.busy:
	in	al, KBC_CMD
	test	al, 2
	jz	.ready
	dec	ecx
	jnz	.busy
.ready:
	pop	ecx
	pop	ax
	ret

; AL = the next byte from the controller; CF set when none came.
kbc_read:
	push	ecx
	mov	ecx, 100000
.empty:
	in	al, KBC_CMD
	test	al, 1
	jnz	.full
	dec	ecx
	jnz	.empty
	pop	ecx
	stc
	ret
.full:
	in	al, KBC_DATA
	pop	ecx
	clc
	ret

; Throws away what the controller still holds.
kbc_drain:
	push	cx
	mov	cx, 32
.more:
	in	al, KBC_CMD
	test	al, 1
	jz	.empty
	in	al, KBC_DATA
	loop	.more
.empty:
	pop	cx
	ret

; Serial ports by their scratch register; there are no parallel ports. The equipment word.
init_ports:
	mov	dword [BDA_COM_TIMEOUT], 0x01010101
	mov	dword [BDA_LPT_TIMEOUT], 0x14141414
	xor	di, di
	mov	si, .com_ports
.com:
	cs lodsw
	test	ax, ax
	jz	.com_done
	mov	dx, ax
	add	dx, 7
	mov	al, 0x5a
	out	dx, al
	in	al, dx
	cmp	al, 0x5a
	jne	.com
	sub	dx, 7
	mov	[BDA_COM + di], dx
	add	di, 2
	jmp	.com
.com_done:
	shl	di, 8			; number of serial ports in 11:9
	or	di, 0x0024		; mouse port; colour 80x25
	fninit				; an FPU answers with a zero status word
	mov	word [BDA_FD_RESULT], 0x5a5a
	fnstsw	[BDA_FD_RESULT]
	cmp	byte [BDA_FD_RESULT], 0
	jne	.no_fpu
	or	di, 0x0002
.no_fpu:
	mov	[BDA_EQUIPMENT], di
	ret
.com_ports:
	dw	0x3f8, 0x2f8, 0x3e8, 0x2e8, 0
