; A boot floppy that calls our BIOS services and checks what they answer. It writes a line
; "ok NAME" or "FAIL NAME" for each check to COM1, then "END", then leaves by isa-debug-exit.
; test_bios.py builds, runs and reads it. The disk (80h) is its own to write on.

	cpu	386
	org	0x7c00
	bits	16

SECTORS		equ	28		; of this program
BUF		equ	0xc800		; 2 KiB
BUF2		equ	0xd000

start:
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7c00
	sti
	mov	[boot_drive], dl
	mov	cx, 0x0002
	mov	bx, 0x7e00
	mov	di, SECTORS - 1
.load:					; a sector at a time: the simplest call there is
	mov	ax, 0x0201
	mov	dh, 0
	cmp	cl, 19
	jb	.head
	push	cx
	sub	cl, 18
	mov	dh, 1
	mov	dl, [boot_drive]
	int	0x13
	pop	cx
	jmp	.read
.head:
	mov	dl, [boot_drive]
	int	0x13
.read:
	jc	.stop
	add	bx, 512
	inc	cx
	dec	di
	jnz	.load
	jmp	main
.stop:
	mov	al, '?'
	mov	dx, 0x3f8
	out	dx, al
	hlt
	jmp	.stop
boot_drive:	db	0
	times	510 - ($ - $$) db 0
	dw	0xaa55

%macro CHECK 2				; condition that must hold, name
	j%+1	%%ok
	push	word %%name
	call	failed
	jmp	%%end
%%ok:	push	word %%name
	call	passed
	jmp	%%end
%%name:	db	%2, 0
%%end:
%endmacro

main:
	mov	ax, 0x00e3		; COM1: 9600, 8 bits
	mov	dx, 0
	int	0x14
%include "probe_video.inc"
%include "probe_disk.inc"
%include "probe_input.inc"
%include "probe_system.inc"
	mov	si, .end
	call	say
	mov	dx, 0x501		; isa-debug-exit, value 0
	mov	al, 0
	out	dx, al
.halt:	hlt
	jmp	.halt
.end:	db	"END", 13, 10, 0

; Keep all registers and take their argument off the stack.
passed:
	push	si
	mov	si, .word
	jmp	verdict
.word:	db	"ok ", 0
failed:
	push	si
	mov	si, .word
	jmp	verdict
.word:	db	"FAIL ", 0
verdict:
	push	ds
	push	0
	pop	ds
	call	say
	push	bp
	mov	bp, sp
	mov	si, [bp + 8]
	pop	bp
	call	say
	mov	si, .newline
	call	say
	pop	ds
	pop	si
	ret	2
.newline: db	13, 10, 0

; DS:SI to COM1. Keeps all registers but SI.
say:
	push	ax
	push	dx
.next:
	lodsb
	test	al, al
	jz	.done
	mov	ah, al
	mov	dx, 0x3fd
.wait:
	in	al, dx
	test	al, 0x20
	jz	.wait
	mov	dx, 0x3f8
	mov	al, ah
	out	dx, al
	jmp	.next
.done:
	pop	dx
	pop	ax
	ret

	times	SECTORS * 512 - ($ - $$) db 0
