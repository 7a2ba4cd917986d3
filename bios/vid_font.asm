; INT 10 AH=11: fonts. IBM PS/2 and PC BIOS Interface Technical Reference, INT 10 (11).

; ES:SI = our font of AX lines: 8, 14, else 16.
font_by_height:
	push	cs
	pop	es
	mov	si, font_16
	cmp	al, 14
	ja	.done
	mov	si, font_14
	je	.done
	mov	si, font_8
.done:
	ret

; Opens plane 2 at A0000 for the CPU, and puts the text mode's memory layout back.
font_open:
	push	ax
	push	dx
	mov	dx, VGA_SEQ
	mov	ax, 0x0402		; write to plane 2
	out	dx, ax
	mov	ax, 0x0704		; no odd/even, all memory
	out	dx, ax
	mov	dx, VGA_GDC
	mov	ax, 0x0204		; read plane 2
	out	dx, ax
	mov	ax, 0x0005		; write mode 0, no odd/even
	out	dx, ax
	mov	ax, 0x0406		; memory at A0000, 64 KiB
	out	dx, ax
	pop	dx
	pop	ax
	ret
font_close:
	push	ax
	push	dx
	mov	dx, VGA_SEQ
	mov	ax, 0x0302
	out	dx, ax
	mov	ax, 0x0304
	out	dx, ax
	mov	dx, VGA_GDC
	mov	ax, 0x0004
	out	dx, ax
	mov	ax, 0x1005
	out	dx, ax
	mov	ax, 0x0e06		; B8000, text
	cmp	byte [BDA_VID_CRTC], 0xb4
	jne	.colour
	mov	ah, 0x0a
.colour:
	out	dx, ax
	pop	dx
	pop	ax
	ret

; Loads CX characters from DX on, AH lines each, from ES:SI into block BL.
font_load:
	jcxz	.return
	call	font_open
	push	ds
	push	es
	pop	ds
	push	0xa000
	pop	es
	movzx	di, bl			; blocks 0-3 at 16 KiB steps, 4-7 8 KiB above them
	and	di, 3
	shl	di, 14
	test	bl, 4
	jz	.block
	add	di, 0x2000
.block:
	shl	dx, 5			; 32 bytes a character
	add	di, dx
	movzx	bx, ah
.next:
	push	cx
	push	di
	mov	cx, bx
	rep movsb
	pop	di
	pop	cx
	add	di, 32
	loop	.next
	pop	ds
	call	font_close
.return:
	ret

; Fits the CRTC and the BDA to characters of AH lines: rows, cursor, length of a page.
font_fit:
	movzx	cx, ah			; CX = lines of a character
	test	cx, cx
	jz	.return
	mov	[BDA_VID_CHAR_HEIGHT], cx
	dec	cx
	mov	al, 0x09
	call	crtc_read
	mov	bl, al
	and	al, 0xe0
	or	al, cl
	mov	ah, al
	mov	al, 0x09
	out	dx, ax
	cmp	dl, 0xb4		; monochrome: underline in the last line
	jne	.no_underline
	mov	ah, cl
	mov	al, 0x14
	out	dx, ax
.no_underline:
	mov	ah, cl			; cursor: two lines, a little off the edge of tall ones
	sub	ah, 1
	cmp	cl, 13
	jb	.cursor
	dec	ah
.cursor:
	mov	al, 0x0a
	out	dx, ax
	inc	ah
	inc	al
	out	dx, ax
	inc	cx

	mov	al, 0x15		; vertical blank start tells how many lines there are:
	call	crtc_read		; nothing below moves it
	mov	si, 350
	cmp	al, 0x63
	je	.lines
	mov	si, 480
	cmp	al, 0xe7
	je	.lines
	mov	si, 400
.lines:
	xor	dx, dx
	mov	ax, si
	shr	bl, 7			; BL = 1 when each is shown twice
	xchg	cl, bl
	shr	ax, cl
	xchg	cl, bl
	div	cx
	mov	bh, al			; BH = rows
	dec	al
	mov	[BDA_VID_ROWS], al
	mov	al, bh
	mul	cl
	xchg	cl, bl
	shl	ax, cl
	dec	ax			; the display ends after the last whole row
	mov	ah, al
	mov	al, 0x12
	mov	dx, [BDA_VID_CRTC]
	out	dx, ax
	mov	al, bh
	mul	byte [BDA_VID_COLS]
	shl	ax, 1
	add	ax, 0xff		; a page: whole 256 bytes
	mov	al, 0
	mov	[BDA_VID_PAGE_SIZE], ax
.return:
	ret

; AL = CRTC register AL, DX = the CRTC's port.
crtc_read:
	mov	dx, [BDA_VID_CRTC]
	out	dx, al
	inc	dx
	in	al, dx
	dec	dx
	ret

; AH=11: by AL.
font_service:
	mov	si, .table
.next:
	mov	ah, [cs:si]
	cmp	ah, 0xff
	je	.return
	cmp	ah, al
	je	.found
	add	si, 3
	jmp	.next
.found:
	jmp	[cs:si + 1]
.return:
	ret
%macro FONT_FN 2
	db	%1
	dw	%2
%endmacro
.table:
	FONT_FN	0x00, font_user
	FONT_FN	0x01, font_rom_14
	FONT_FN	0x02, font_rom_8
	FONT_FN	0x03, font_blocks
	FONT_FN	0x04, font_rom_16
	FONT_FN	0x10, font_user
	FONT_FN	0x11, font_rom_14
	FONT_FN	0x12, font_rom_8
	FONT_FN	0x14, font_rom_16
	FONT_FN	0x20, font_graphics_8
	FONT_FN	0x21, font_graphics_user
	FONT_FN	0x22, font_graphics_14
	FONT_FN	0x23, font_graphics_rom_8
	FONT_FN	0x24, font_graphics_16
	FONT_FN	0x30, font_info
	db	0xff

; AL=00, 10: CX characters from DX on, BH lines each, at ES:BP, into block BL.
font_user:
	mov	es, [bp + F_ES]
	mov	si, [bp + F_BP]
	mov	ah, [bp + F_BH]
	cmp	ah, 32
	ja	font_service.return
	cmp	cx, 256
	ja	font_service.return
	cmp	dx, 255
	ja	font_service.return
	jmp	font_text

; AL=01, 02, 04, 11, 12, 14: ours, into block BL.
font_rom_14:
	mov	ax, 14
	jmp	font_rom
font_rom_8:
	mov	ax, 8
	jmp	font_rom
font_rom_16:
	mov	ax, 16
font_rom:
	call	font_by_height
	mov	ah, al
	mov	cx, 256
	xor	dx, dx
font_text:
	push	ax
	mov	bl, [bp + F_BL]
	call	font_load
	pop	ax
	test	byte [bp + F_AL], 0x10	; 1x: and fit the screen to it
	jnz	font_fit
	ret

; AL=03: which blocks the two character sets are.
font_blocks:
	mov	dx, VGA_SEQ
	mov	al, 0x03
	mov	ah, [bp + F_BL]
	out	dx, ax
	ret

; AL=20: INT 1F, glyphs 128-255 of the CGA modes, is at ES:BP.
font_graphics_8:
	mov	ax, [bp + F_BP]
	mov	cx, [bp + F_ES]
	push	0
	pop	ds
	mov	[0x1f * 4], ax
	mov	[0x1f * 4 + 2], cx
	ret

; AL=21-24: INT 43 is the font of graphics modes; rows by BL: 1 14, 2 25, 3 43, 0 DL.
font_graphics_user:
	mov	es, [bp + F_ES]
	mov	si, [bp + F_BP]
	jmp	font_graphics
font_graphics_14:
	mov	cx, 14
	jmp	font_graphics_rom
font_graphics_rom_8:
	mov	cx, 8
	jmp	font_graphics_rom
font_graphics_16:
	mov	cx, 16
font_graphics_rom:
	mov	ax, cx
	call	font_by_height
font_graphics:
	mov	[BDA_VID_CHAR_HEIGHT], cx
	movzx	bx, byte [bp + F_BL]
	mov	al, [bp + F_DL]
	test	bl, bl
	jz	.rows
	mov	al, 25
	cmp	bl, 3
	ja	.rows
	mov	al, [cs:.row_counts + bx]
.rows:
	dec	al
	mov	[BDA_VID_ROWS], al
	push	0
	pop	ds
	mov	[0x43 * 4], si
	mov	[0x43 * 4 + 2], es
	ret
.row_counts:
	db	0, 14, 25, 43

; AL=30: ES:BP = the font that BH names, CX = lines of a character on screen, DL = rows - 1.
font_info:
	mov	ax, [BDA_VID_CHAR_HEIGHT]
	mov	[bp + F_CX], ax
	mov	al, [BDA_VID_ROWS]
	mov	[bp + F_DL], al
	movzx	bx, byte [bp + F_BH]
	cmp	bl, 7
	ja	.return
	push	0
	pop	es
	cmp	bl, 1
	ja	.ours
	mov	si, 0x1f * 4
	jb	.vector
	mov	si, 0x43 * 4
.vector:
	mov	ax, [es:si]
	mov	[bp + F_BP], ax
	mov	ax, [es:si + 2]
	mov	[bp + F_ES], ax
	ret
.ours:
	shl	bx, 1
	mov	ax, [cs:.fonts - 4 + bx]
	mov	[bp + F_BP], ax
	mov	[bp + F_ES], cs
.return:
	ret
.fonts:					; 2 8x14, 3 8x8, 4 its upper half, 5 9x14, 6 8x16, 7 9x16
	dw	font_14, font_8, font_8 + 128 * 8, no_9_dot, font_16, no_9_dot
no_9_dot:				; exceptions for 9 dots: none, ours need no other shape
	db	0
