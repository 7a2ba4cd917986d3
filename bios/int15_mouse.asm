; INT 15 AH=C2 and INT 74 (IRQ 12): the PS/2 mouse. IBM PS/2 and PC BIOS Interface Technical
; Reference, INT 15 (C2); Ralf Brown's INT 15 AX=C200-C207.
;
; UNLIKE HARDWARE: the handler is called before the end of interrupt, so it never nests.

MOUSE_OK		equ	0
MOUSE_BAD_FUNCTION	equ	1
MOUSE_BAD_INPUT		equ	2
MOUSE_INTERFACE		equ	3
MOUSE_NO_HANDLER	equ	5

mouse_service:
	mov	fs, [BDA_EBDA]
	cli
	movzx	bx, al
	mov	ah, MOUSE_BAD_FUNCTION
	cmp	bl, (.table_end - .table) / 2
	jae	.answer
	shl	bx, 1
	call	[cs:.table + bx]	; AH = status
.answer:
	mov	[bp + F_AH], ah
	CLEAR_C
	test	ah, ah
	jz	.ok
	SET_C
.ok:
	ret
.table:
	dw	mouse_enable, mouse_reset, mouse_rate, mouse_resolution
	dw	mouse_type, mouse_initialise, mouse_extended, mouse_handler
.table_end:

; AX=C200: BH=01 on, 00 off.
mouse_enable:
	mov	bh, [bp + F_BH]
	mov	ah, MOUSE_BAD_INPUT
	cmp	bh, 1
	ja	mouse_return
	mov	al, 0xf5
	jb	mouse_command
	test	byte [fs:EBDA_MOUSE_FLAGS], 0x80
	mov	ah, MOUSE_NO_HANDLER
	jz	mouse_return
	mov	byte [fs:EBDA_MOUSE_INDEX], 0
	mov	al, 0xf4
	jmp	mouse_command

; AX=C201: BX = the mouse's answer.
mouse_reset:
	call	mouse_connect
	mov	al, 0xff
	call	mouse_command
	jnz	mouse_return
	call	mouse_read
	jc	mouse_silent
	mov	bl, al
	call	mouse_read
	jc	mouse_silent
	mov	bh, al
	mov	[bp + F_BX], bx
	mov	byte [fs:EBDA_MOUSE_INDEX], 0
	mov	ah, MOUSE_OK
mouse_return:
	ret
mouse_silent:
	mov	ah, MOUSE_INTERFACE
	ret

; AX=C202: BH = 0 to 6: 10, 20, 40, 60, 80, 100, 200 reports a second.
mouse_rate:
	movzx	bx, byte [bp + F_BH]
	mov	ah, MOUSE_BAD_INPUT
	cmp	bl, 6
	ja	mouse_return
	mov	cl, [cs:.rates + bx]
	mov	al, 0xf3
	jmp	mouse_command_value
.rates:
	db	10, 20, 40, 60, 80, 100, 200

; AX=C203: BH = 0 to 3: 1, 2, 4, 8 counts a millimetre.
mouse_resolution:
	mov	cl, [bp + F_BH]
	mov	ah, MOUSE_BAD_INPUT
	cmp	cl, 3
	ja	mouse_return
	mov	al, 0xe8
	; falls through

; Command AL with the value CL.
mouse_command_value:
	call	mouse_command
	jnz	mouse_return
	mov	al, cl
	jmp	mouse_command

; AX=C204: BH = identity.
mouse_type:
	mov	al, 0xf2
	call	mouse_command
	jnz	mouse_return
	call	mouse_read
	jc	mouse_silent
	mov	[bp + F_BH], al
	mov	ah, MOUSE_OK
	ret

; AX=C205: BH = bytes a packet, 1 to 8; resets.
mouse_initialise:
	mov	bh, [bp + F_BH]
	mov	ah, MOUSE_BAD_INPUT
	dec	bh
	cmp	bh, 7
	ja	mouse_return
	mov	al, [fs:EBDA_MOUSE_FLAGS]
	and	al, 0xf8
	or	al, bh
	mov	[fs:EBDA_MOUSE_FLAGS], al
	mov	bx, [bp + F_BX]
	push	bx
	call	mouse_reset
	pop	bx
	mov	[bp + F_BX], bx
	ret

; AX=C206: BH=00 status in BL, CL, DL; 01 scaling 1:1, 02 2:1.
mouse_extended:
	mov	bh, [bp + F_BH]
	mov	ah, MOUSE_BAD_INPUT
	cmp	bh, 2
	ja	mouse_return
	mov	al, 0xe7
	je	mouse_command
	dec	al			; E6
	cmp	bh, 1
	je	mouse_command
	mov	al, 0xe9
	call	mouse_command
	jnz	mouse_return
	call	mouse_read
	jc	mouse_silent
	mov	byte [bp + F_BL], al
	call	mouse_read
	jc	mouse_silent
	mov	byte [bp + F_CL], al
	call	mouse_read
	jc	mouse_silent
	mov	byte [bp + F_DL], al
	mov	ah, MOUSE_OK
	ret

; AX=C207: ES:BX = handler, called far with status, X, Y, 0 on the stack; 0:0 none.
mouse_handler:
	mov	ax, [bp + F_BX]
	mov	[fs:EBDA_MOUSE_HANDLER], ax
	mov	cx, [bp + F_ES]
	mov	[fs:EBDA_MOUSE_HANDLER + 2], cx
	and	byte [fs:EBDA_MOUSE_FLAGS], 0x7f
	or	ax, cx
	jz	.none
	or	byte [fs:EBDA_MOUSE_FLAGS], 0x80
	call	mouse_connect
.none:
	mov	ah, MOUSE_OK
	ret

; Turns the 8042's mouse port and its interrupt on.
mouse_connect:
	mov	al, 0xa8
	call	kbc_command
	mov	al, 0x20		; the command byte: IRQ 12 on, clock on
	call	kbc_command
	call	kbc_read
	or	al, 0x02
	and	al, ~0x20 & 0xff
	push	ax
	mov	al, 0x60
	call	kbc_command
	pop	ax
	jmp	kbc_write

; Byte AL to the mouse. AH = status, ZF set when it was acknowledged. The keyboard is held
; off meanwhile: its bytes would come in between. Keeps BX and CX.
mouse_command:
	push	ax
	mov	al, 0xad
	call	kbc_command
	mov	al, 0xd4
	call	kbc_command
	pop	ax
	call	kbc_write
	call	mouse_read
	mov	ah, MOUSE_INTERFACE
	jc	.done
	cmp	al, 0xfa
	jne	.done
	mov	ah, MOUSE_OK
.done:
	mov	al, 0xae
	call	kbc_command
	test	ah, ah
	ret

; AL = a byte from the mouse; CF set when there is none.
mouse_read:
	call	kbc_read
	ret

; INT 74.
irq12:
	INT_ENTER
	push	fs
	mov	fs, [BDA_EBDA]
	in	al, KBC_CMD
	and	al, 0x21
	cmp	al, 0x21
	jne	.eoi
	in	al, KBC_DATA
	test	byte [fs:EBDA_MOUSE_FLAGS], 0x80
	jz	.eoi
	movzx	bx, byte [fs:EBDA_MOUSE_INDEX]
	and	bl, 7
	mov	[fs:EBDA_MOUSE_PACKET + bx], al
	inc	bx
	mov	[fs:EBDA_MOUSE_INDEX], bl
	mov	al, [fs:EBDA_MOUSE_FLAGS]
	and	al, 7
	cmp	bl, al
	jbe	.eoi			; more to come
	mov	byte [fs:EBDA_MOUSE_INDEX], 0
	movzx	ax, byte [fs:EBDA_MOUSE_PACKET]
	push	ax
	movzx	ax, byte [fs:EBDA_MOUSE_PACKET + 1]
	push	ax
	movzx	ax, byte [fs:EBDA_MOUSE_PACKET + 2]
	push	ax
	push	0
	call	far [fs:EBDA_MOUSE_HANDLER]
	add	sp, 8
.eoi:
	cli
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	out	PIC1_CMD, al
	pop	fs
	INT_LEAVE
