; The boot sector: loads the system with INT 13h, sets the screen up while there is a BIOS to do it,
; and enters protected mode. A diskette is read by cylinder, head and sector in the BIOS's geometry,
; a hard disk by block address (EDD).

section boot
bits 16
boot:
	jmp	0:.begin
.begin:
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, BOOT_ADDRESS
	sti
	cld
	mov	[boot_drive], dl
	test	dl, dl
	js	.disk

	mov	ah, 0x08		; the drive's geometry
	xor	di, di
	mov	es, di
	int	0x13
	jc	.failed
	and	cx, 0x3f
	mov	[boot_spt], cx
	movzx	dx, dh
	inc	dx
	mov	[boot_heads], dx
	mov	di, 1			; block 0 is this sector
.track:
	call	read_track
	cmp	di, 1 + KERNEL_SECTORS
	jb	.track
	jmp	.loaded
.disk:
	mov	si, boot_packet
	mov	ah, 0x42
	int	0x13
	jc	.failed
.loaded:
	mov	ax, 0x0003		; 80x25 text
	int	0x10
	mov	ax, 0x1003		; bit 7 of a colour means bright, not blinking
	xor	bx, bx
	int	0x10
	mov	ah, 0x01		; no cursor
	mov	cx, 0x2000
	int	0x10
	mov	ax, 0x2401		; A20 on, by the BIOS and by port 92h
	int	0x15
	in	al, 0x92
	or	al, 2
	and	al, 0xfe
	out	0x92, al
	cli
	o32 lgdt [boot_gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword KERNEL_CS:kernel_start
.failed:
	mov	si, boot_message
.print:
	lodsb
	test	al, al
	jz	$
	mov	ah, 0x0e
	mov	bx, 7
	int	0x10
	jmp	.print

; Reads from block DI to the end of its track or of the system; DI moves on.
read_track:
	mov	bp, 3			; attempts
.again:
	mov	ax, di
	xor	dx, dx
	div	word [boot_spt]		; AX = track, DX = sector
	mov	si, [boot_spt]
	sub	si, dx			; what is left of the track
	mov	cl, dl
	inc	cl
	xor	dx, dx
	div	word [boot_heads]	; AX = cylinder, DX = head
	mov	ch, al
	mov	dh, dl
	mov	dl, [boot_drive]
	mov	ax, 1 + KERNEL_SECTORS
	sub	ax, di			; what is left of the system
	cmp	si, ax
	jbe	.count
	mov	si, ax
.count:
	mov	bx, di
	dec	bx
	shl	bx, 5			; a sector is 32 paragraphs
	add	bx, KERNEL >> 4
	mov	es, bx
	xor	bx, bx
	mov	ax, si
	mov	ah, 0x02
	push	di
	push	si
	push	bp
	int	0x13
	pop	bp
	pop	si
	pop	di
	jnc	.done
	xor	ah, ah			; reset, once more
	mov	dl, [boot_drive]
	int	0x13
	dec	bp
	jnz	.again
	jmp	boot.failed
.done:
	add	di, si
	ret

align 4
boot_gdtr:
	dw	gdt_end - gdt - 1
	dd	gdt
boot_packet:
	db	16, 0
	dw	KERNEL_SECTORS, 0, KERNEL >> 4
	dq	1
boot_drive:	db 0
boot_spt:	dw 0
boot_heads:	dw 0
boot_message:	db "The demo's diskette cannot be read.", 13, 10, 0

	times 510 - ($ - $$) db 0
	dw	0xaa55
bits 32
