; Text: a small formatter, and COM1 (16550 data sheet), where the story is told a second time.
;
; %d decimal, %2d padded to two, %x hex with eight digits, %4x with four, %s text, %14s padded to
; fourteen, %c a character, %t story time in seconds, six wide.

section kernel

; Made for FORMAT: the arguments are above the template on the stack. ESI = line; the rest stays.
format:
	push	ebp
	lea	ebp, [esp + 8]
	pushad
	mov	esi, [ebp]
	mov	edi, line
.next:
	lodsb
	cmp	al, '%'
	je	.argument
	cmp	edi, line_end
	jae	.next_or_end
	stosb
.next_or_end:
	test	al, al
	jnz	.next
	mov	byte [line_end], 0
	popad
	pop	ebp
	mov	esi, line
	ret
.argument:
	add	ebp, 4
	mov	ebx, [ebp]
	xor	ecx, ecx
.width:
	lodsb
	mov	dl, al
	sub	dl, '0'
	cmp	dl, 9
	ja	.kind
	movzx	edx, dl
	imul	ecx, 10
	add	ecx, edx
	jmp	.width
.kind:
	mov	edx, .next
	push	edx				; where the kinds return to
	cmp	al, 'd'
	je	put_decimal
	cmp	al, 'x'
	je	put_hex
	cmp	al, 's'
	je	put_text
	cmp	al, 't'
	je	put_time
	mov	al, bl
	stosb
	ret

; These put EBX at EDI, ECX wide, and keep ESI and EBP.
put_text:
	push	esi
	mov	esi, ebx
.next:
	lodsb
	test	al, al
	jz	.pad
	cmp	edi, line_end
	jae	.done
	stosb
	dec	ecx
	jmp	.next
.pad:
	mov	al, ' '
	test	ecx, ecx
	jle	.done
	rep stosb
.done:
	pop	esi
	ret

put_hex:
	jecxz	.eight
	jmp	.digits
.eight:
	mov	cl, 8
.digits:
	push	ecx
	dec	ecx
	shl	ecx, 2
	mov	eax, ebx
	shr	eax, cl
	pop	ecx
	and	al, 0x0f
	cmp	al, 10
	jb	.digit
	add	al, 'a' - '0' - 10
.digit:
	add	al, '0'
	stosb
	loop	.digits
	ret

put_decimal:
	push	esi
	mov	eax, ebx
	mov	ebx, 10
	xor	esi, esi			; digits
.divide:
	xor	edx, edx
	div	ebx
	push	edx
	inc	esi
	test	eax, eax
	jnz	.divide
	sub	ecx, esi
	jle	.digit
	mov	al, ' '
	rep stosb
.digit:
	pop	eax
	add	al, '0'
	stosb
	dec	esi
	jnz	.digit
	pop	esi
	ret

put_time:
	mov	eax, ebx
	xor	edx, edx
	mov	ebx, NORMAL * HZ
	div	ebx
	push	edx
	mov	ebx, eax
	mov	ecx, 3
	call	put_decimal
	mov	al, '.'
	stosb
	pop	eax
	xor	edx, edx
	mov	ebx, NORMAL * HZ / 100
	div	ebx
	xor	edx, edx
	mov	ebx, 10
	div	ebx
	or	eax, '0'
	stosb
	lea	eax, [edx + '0']
	stosb
	ret

; ---- COM1 ----
COM1		equ 0x3f8
LSR_THRE	equ 0x20

serial_init:
	mov	esi, .setup
	mov	ecx, (.setup_end - .setup) / 3
.write:
	lodsw
	mov	edx, eax
	lodsb
	out	dx, al
	loop	.write
	ret
.setup:						; port, value: 115200 baud, 8N1, polled
	dw	COM1 + 3
	db	0x80
	dw	COM1 + 0
	db	1
	dw	COM1 + 1
	db	0
	dw	COM1 + 3
	db	0x03
	dw	COM1 + 2
	db	0x07
	dw	COM1 + 4
	db	0x03
	dw	COM1 + 1
	db	0
.setup_end:

; Sends the text at ESI as a line; all registers stay.
serial_line:
	pushad
.next:
	lodsb
	test	al, al
	jz	.end
	call	serial_byte
	jmp	.next
.end:
	mov	al, 13
	call	serial_byte
	mov	al, 10
	call	serial_byte
	popad
	ret

; A COM1 that is absent or stuck does not stop the show.
serial_byte:
	mov	bl, al
	mov	dx, COM1 + 5
	mov	ecx, 100000
.wait:
	in	al, dx
	test	al, LSR_THRE
	loopz	.wait
	mov	dx, COM1
	mov	al, bl
	out	dx, al
	ret

section bss
line:		resb 160
line_end:	resb 16
