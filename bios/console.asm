; Printing for POST and the boot messages, through INT 10 like any program.

; Prints the zero-ended string at CS:SI. Keeps all registers but SI.
print:
	push	ax
	push	bx
	mov	bx, 7
.next:
	cs lodsb
	test	al, al
	jz	.done
	mov	ah, 0x0e
	int	0x10
	jmp	.next
.done:
	pop	bx
	pop	ax
	ret

; PRINT "text", 13, 10: prints, keeps all registers.
%macro PRINT 1+
	push	si
	mov	si, %%text
	call	print
	pop	si
	jmp	%%over
%%text:	db	%1, 0
%%over:
%endmacro

; Prints the character in AL. Keeps all registers.
print_char:
	push	ax
	push	bx
	mov	bx, 7
	mov	ah, 0x0e
	int	0x10
	pop	bx
	pop	ax
	ret

; Prints EAX in decimal. Keeps all registers.
print_dec:
	pushad
	mov	ebx, 10
	xor	cx, cx
.digit:
	xor	edx, edx
	div	ebx
	push	dx
	inc	cx
	test	eax, eax
	jnz	.digit
.out:
	pop	ax
	add	al, '0'
	call	print_char
	loop	.out
	popad
	ret

; Prints AX, AL in hexadecimal. Keeps all registers.
print_hex16:
	xchg	al, ah
	call	print_hex8
	xchg	al, ah
print_hex8:
	push	ax
	shr	al, 4
	call	.nibble
	pop	ax
	push	ax
	and	al, 15
	call	.nibble
	pop	ax
	ret
.nibble:
	cmp	al, 10
	jb	.digit
	add	al, 'a' - '0' - 10
.digit:
	add	al, '0'
	jmp	print_char
