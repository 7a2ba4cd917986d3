; INT 10 in graphics modes: drawing characters and reading them back. Addresses: IBM VGA
; Technical Reference, section 2 (memory organisation of each mode). Scrolling and pixels are
; in vid_pixels.asm.

; ES:DI = first byte of the character cell at row DH, column DL of page BH; SI = bytes from
; one scan line to the next (CGA: to the next but one). Keeps the rest but AX.
graphics_address:
	push	dx
	push	bx
	call	mode_kind
	mov	bl, al
	movzx	si, byte [BDA_VID_COLS]
	mov	al, [BDA_VID_CHAR_HEIGHT]
	cmp	bl, KIND_PLANAR
	je	.planar
	ja	.linear
	push	0xb800
	pop	es
	mov	si, 80
	mov	al, 4			; 8 lines are 4 in each bank
	cmp	bl, KIND_CGA4
	jne	.offset
	shl	dl, 1			; two bytes a character
	jmp	.offset
.planar:
	push	0xa000
	pop	es
	jmp	.offset
.linear:
	push	0xa000
	pop	es
	mov	si, 320
	movzx	di, dl
	shl	di, 3
	mov	dl, 0
	jmp	.rows
.offset:
	xor	di, di
.rows:
	mul	dh
	push	dx
	mul	si
	pop	dx
	add	di, ax
	mov	dh, 0
	add	di, dx
	cmp	bl, KIND_PLANAR
	jne	.done
	movzx	ax, bh
	and	al, 7
	mul	word [BDA_VID_PAGE_SIZE]
	add	di, ax
.done:
	pop	bx
	pop	dx
	ret

; FS:DI = the glyph of character AL.
graphics_glyph:
	push	ds
	push	ax
	push	dx
	mov	ah, 0
	mov	di, 0x43 * 4
	push	ax
	call	mode_kind
	cmp	al, KIND_CGA2
	pop	ax
	mov	dx, [BDA_VID_CHAR_HEIGHT]
	ja	.vector			; beyond the CGA modes: INT 43 has all
	test	al, 0x80
	jz	.vector
	mov	di, 0x1f * 4
	and	al, 0x7f
.vector:
	push	0
	pop	ds
	lfs	di, [di]
	mul	dl
	add	di, ax
	pop	dx
	pop	ax
	pop	ds
	ret

; Character AL, CX times from DX on page BH, colour BL (bit 7: XOR, except with 256 colours).
graphics_char_repeat:
	push	ax
	call	mode_kind
	cmp	al, KIND_NONE
	pop	ax
	je	.return
.next:
	push	ax
	push	bx
	push	cx
	push	dx
	call	graphics_char
	pop	dx
	pop	cx
	pop	bx
	pop	ax
	inc	dx
	cmp	dl, [BDA_VID_COLS]
	jb	.same_row
	mov	dl, 0
	inc	dh
	cmp	dh, [BDA_VID_ROWS]
	ja	.return
.same_row:
	loop	.next
.return:
	ret

; One character AL at DX on page BH, colour BL.
graphics_char:
	push	fs
	push	ax
	call	graphics_address
	pop	ax
	push	di
	call	graphics_glyph
	push	fs
	pop	ds
	mov	dx, di
	pop	di			; ES:DI screen, DS:DX glyph, SI pitch
	push	ds
	push	BDA_SEG
	pop	ds
	mov	cx, [BDA_VID_CHAR_HEIGHT]
	call	mode_kind
	pop	ds
	push	si
	xchg	si, dx			; DS:SI glyph, DX pitch
	cmp	al, KIND_PLANAR
	je	.planar
	ja	.linear
	cmp	al, KIND_CGA2
	je	.cga2
	call	char_cga4
	jmp	.done
.cga2:
	call	char_cga2
	jmp	.done
.planar:
	call	char_planar
	jmp	.done
.linear:
	call	char_linear
.done:
	pop	si
	push	BDA_SEG
	pop	ds
	pop	fs
	ret

; These draw the CX lines of the glyph DS:SI at ES:DI, pitch DX, colour BL.
char_linear:
	lodsb
	mov	ah, al
	push	cx
	push	di
	mov	cx, 8
.pixel:
	mov	al, 0
	shl	ah, 1
	jnc	.store
	mov	al, bl
.store:
	stosb
	loop	.pixel
	pop	di
	pop	cx
	add	di, dx
	loop	char_linear
	ret

; Write mode 2: what the CPU writes is a colour, the bit mask says for which pixels.
char_planar:
	push	bp
	mov	bp, dx
	mov	dx, VGA_SEQ
	mov	ax, 0x0f02
	out	dx, ax
	mov	dx, VGA_GDC
	mov	ax, 0x0205
	out	dx, ax
	mov	ax, 0x0003
	test	bl, 0x80
	jz	.replace
	mov	ah, 0x18		; XOR with what is there
.replace:
	out	dx, ax
.line:
	lodsb
	mov	ah, al
	mov	al, 0x08
	out	dx, ax
	mov	al, [es:di]		; fills the latches
	mov	[es:di], bl
	test	bl, 0x80
	jnz	.no_background
	not	ah
	mov	al, 0x08
	out	dx, ax
	mov	al, [es:di]
	mov	byte [es:di], 0
.no_background:
	add	di, bp
	loop	.line
	mov	ax, 0xff08
	out	dx, ax
	mov	ax, 0x0003
	out	dx, ax
	mov	ax, 0x0005
	out	dx, ax
	pop	bp
	ret

char_cga2:
	mov	al, [si]
	inc	si
	test	bl, 1
	jnz	.ink
	mov	al, 0
.ink:
	test	bl, 0x80
	jz	.store
	xor	al, [es:di]
.store:
	mov	[es:di], al
	call	cga_next_line
	loop	char_cga2
	ret

char_cga4:
	push	cx
	mov	al, [si]
	inc	si
	xor	dx, dx			; the 8 pixels of 2 bits
	mov	cx, 8
.pixel:
	shl	dx, 2
	shl	al, 1
	jnc	.off
	mov	ah, bl
	and	ah, 3
	or	dl, ah
.off:
	loop	.pixel
	pop	cx
	xchg	dl, dh			; left pixels first in memory
	test	bl, 0x80
	jz	.store
	xor	dx, [es:di]
.store:
	mov	[es:di], dx
	call	cga_next_line
	loop	char_cga4
	ret

; DI to the next line of a CGA mode: even ones from 0 on, odd ones 2000h above.
cga_next_line:
	xor	di, 0x2000
	test	di, 0x2000
	jnz	.done
	add	di, 80
.done:
	ret

; AH=08 in graphics: AL = the character whose glyph stands at DX of page BH, 0 if none does.
graphics_char_read:
	call	mode_kind
	cmp	al, KIND_NONE
	je	.none
	mov	cx, [BDA_VID_CHAR_HEIGHT]
	cmp	cx, 32
	ja	.none
	sub	sp, 32			; the glyph on screen, a bit for each pixel that is not 0
	mov	bx, sp
	push	bp
	mov	bp, bx
	mov	bh, [BDA_VID_PAGE]
	call	graphics_address
	call	mode_kind
	mov	ah, al
	xor	bx, bx
.line:
	call	graphics_read_line
	mov	[bp], al
	inc	bp
	inc	bx
	cmp	bx, cx
	jb	.line
	sub	bp, cx
	mov	al, 0
.next:
	push	ax
	call	graphics_glyph		; FS:DI
	push	di
	push	bp
	push	cx
.compare:
	mov	ah, [fs:di]
	cmp	ah, [bp]
	jne	.differs
	inc	di
	inc	bp
	loop	.compare
	cmp	al, al			; all alike
.differs:
	pop	cx
	pop	bp
	pop	di
	pop	ax
	je	.found
	inc	al
	jnz	.next
.found:
	pop	bp
	add	sp, 32
	mov	ah, 0
	mov	[bp + F_AX], ax
	ret
.none:
	mov	word [bp + F_AX], 0
	ret

; AL = line at ES:DI in a mode of kind AH; DI to the next one. SI = pitch.
graphics_read_line:
	cmp	ah, KIND_PLANAR
	je	.planar
	ja	.linear
	cmp	ah, KIND_CGA2
	je	.cga2
	push	cx
	mov	dx, [es:di]
	xchg	dl, dh
	mov	cx, 8
.pair:
	shl	al, 1
	test	dh, 0xc0
	jz	.pair_off
	or	al, 1
.pair_off:
	shl	dx, 2
	loop	.pair
	pop	cx
	jmp	cga_next_line
.cga2:
	mov	al, [es:di]
	jmp	cga_next_line
.linear:
	push	cx
	push	di
	mov	cx, 8
.byte:
	shl	al, 1
	cmp	byte [es:di], 0
	je	.byte_off
	or	al, 1
.byte_off:
	inc	di
	loop	.byte
	pop	di
	pop	cx
	add	di, si
	ret
.planar:				; read mode 1 gives a 1 where all planes match colour 0
	push	dx
	push	ax
	mov	dx, VGA_GDC
	mov	ax, 0x0805
	out	dx, ax
	mov	ax, 0x0002
	out	dx, ax
	mov	ax, 0x0f07
	out	dx, ax
	mov	al, [es:di]
	not	al
	push	ax
	mov	ax, 0x0005
	out	dx, ax
	pop	ax
	pop	dx			; DH = kind
	mov	ah, dh
	pop	dx
	add	di, si
	ret
