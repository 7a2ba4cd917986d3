; INT 14: the serial ports. IBM PC/AT Technical Reference, section 5; 16550 datasheet.

UART_DATA		equ	0
UART_IER		equ	1
UART_LCR		equ	3
UART_MCR		equ	4
UART_LSR		equ	5
UART_MSR		equ	6

int14:
	INT_ENTER
	mov	si, dx
	cmp	si, 4
	jae	.leave
	shl	si, 1
	mov	dx, [BDA_COM + si]
	shr	si, 1
	test	dx, dx
	jz	.leave
	movzx	bx, ah
	cmp	bl, 3
	ja	.leave
	shl	bx, 1
	call	[cs:.table + bx]
.leave:
	INT_LEAVE
.table:
	dw	serial_init, serial_send, serial_receive, serial_status

; AH=00: AL 7:5 rate, 4:3 parity, 2 stop bits, 1:0 word length.
serial_init:
	push	ax
	push	ax
	movzx	bx, al
	shr	bx, 5
	shl	bx, 1
	mov	cx, [cs:.divisors + bx]
	add	dx, UART_LCR
	mov	al, 0x80
	out	dx, al
	sub	dx, UART_LCR
	mov	al, cl
	out	dx, al
	inc	dx
	mov	al, ch
	out	dx, al
	add	dx, UART_LCR - 1
	pop	ax
	and	al, 0x1f
	out	dx, al
	sub	dx, UART_LCR - UART_IER
	mov	al, 0
	out	dx, al
	dec	dx
	pop	ax
	jmp	serial_status
.divisors:
	dw	1047, 768, 384, 192, 96, 48, 24, 12	; 110 to 9600

; AH=01: sends AL.
serial_send:
	push	ax
	add	dx, UART_MCR
	mov	al, 3			; DTR, RTS
	out	dx, al
	inc	dx
	mov	bl, 0x20		; room for a byte
	call	serial_wait
	pop	ax
	jc	serial_timeout
	sub	dx, UART_LSR
	out	dx, al
	mov	ah, ch
	and	ah, 0x7f
	mov	[bp + F_AH], ah
	ret

; AH=02: AL = a byte received.
serial_receive:
	add	dx, UART_MCR
	mov	al, 1			; DTR
	out	dx, al
	inc	dx
	mov	bl, 0x01
	call	serial_wait
	jc	serial_timeout
	sub	dx, UART_LSR
	in	al, dx
	and	ch, 0x1e
	mov	ah, ch
	mov	[bp + F_AX], ax
	ret

; AH=03: AH = line status, AL = modem status.
serial_status:
	add	dx, UART_LSR
	in	al, dx
	mov	ah, al
	inc	dx
	in	al, dx
	mov	[bp + F_AX], ax
	ret

serial_timeout:
	or	ch, 0x80
	mov	[bp + F_AH], ch
	ret

; Waits for bit BL of the line status at DX for as many seconds as the BDA says. CH = the
; status; CF set when time is over.
serial_wait:
	movzx	eax, byte [BDA_COM_TIMEOUT + si]
	imul	eax, eax, 18
	add	eax, [BDA_TICKS]
	sti
	mov	edi, eax
.poll:
	in	al, dx
	mov	ch, al
	test	al, bl
	jnz	.ready
	cmp	[BDA_TICKS], edi
	jb	.poll
	stc
	ret
.ready:
	clc
	ret
