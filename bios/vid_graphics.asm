; INT 10 in graphics modes: characters, scrolling, pixels. Addresses: IBM VGA Technical
; Reference, section 2 (memory organisation of each mode).

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

struc gscroll				; what graphics_scroll keeps on the stack
.kind:		resb	1
.fill:		resb	1
.left:		resw	1		; bytes
.width:		resw	1
.step:		resw	1		; 1 up, -1 down: the order of the scan lines
.source:	resw	1		; scan lines from target to source
.shift:		resw	1		; scan lines that become empty
.move:		resw	1		; scan lines that move
endstruc

; Scrolls the window CX-DX by AL rows of characters, new ones get colour BH; down when the
; caller's AH is 7. It goes by scan lines.
graphics_scroll:
	mov	bl, bh
	mov	bh, [bp + F_AH]
	push	bp
	sub	sp, gscroll_size
	mov	bp, sp
	mov	[bp + gscroll.fill], bl
	push	ax
	call	mode_kind
	mov	[bp + gscroll.kind], al
	cmp	al, KIND_NONE
	pop	ax
	je	.done
	push	dx
	mul	byte [BDA_VID_CHAR_HEIGHT]
	mov	[bp + gscroll.shift], ax
	mov	[bp + gscroll.source], ax
	mov	al, dh
	sub	al, ch
	inc	al
	mul	byte [BDA_VID_CHAR_HEIGHT]
	sub	ax, [bp + gscroll.shift]
	mov	[bp + gscroll.move], ax
	mov	al, ch
	mul	byte [BDA_VID_CHAR_HEIGHT]
	mov	si, ax			; SI = first scan line
	pop	dx
	mov	dh, 0
	mov	ch, 0
	sub	dx, cx
	inc	dx
	mov	ax, cx
	mov	cl, 3			; bytes of a column: 8, 2 or 1
	cmp	byte [bp + gscroll.kind], KIND_LINEAR
	je	.bytes
	mov	cl, 1
	cmp	byte [bp + gscroll.kind], KIND_CGA4
	je	.bytes
	mov	cl, 0
.bytes:
	shl	ax, cl
	shl	dx, cl
	mov	[bp + gscroll.left], ax
	mov	[bp + gscroll.width], dx
	mov	word [bp + gscroll.step], 1
	cmp	bh, 7
	jne	.up
	add	si, [bp + gscroll.move]
	add	si, [bp + gscroll.shift]
	dec	si
	neg	word [bp + gscroll.step]
	neg	word [bp + gscroll.source]
.up:
	mov	ah, 1			; write mode 1: all planes by the latches
	call	.planes
	mov	cx, [bp + gscroll.move]
	jcxz	.moved
.line:
	push	cx
	push	si
	add	si, [bp + gscroll.source]
	call	.address
	pop	si
	push	di
	call	.address
	mov	ax, si
	pop	si
	mov	cx, [bp + gscroll.width]
	es rep movsb
	mov	si, ax
	add	si, [bp + gscroll.step]
	pop	cx
	loop	.line
.moved:
	mov	ah, 2			; write mode 2: a colour
	call	.planes
	mov	cx, [bp + gscroll.shift]
.empty:
	push	cx
	call	.address
	mov	al, [bp + gscroll.fill]
	mov	cx, [bp + gscroll.width]
	rep stosb
	add	si, [bp + gscroll.step]
	pop	cx
	loop	.empty
	mov	ah, 0
	call	.planes
.done:
	add	sp, gscroll_size
	pop	bp
	ret
.address:				; ES:DI = where the window's part of scan line SI is
	push	si
	push	ax
	mov	al, [bp + gscroll.kind]
	call	line_address
	add	di, [bp + gscroll.left]
	pop	ax
	pop	si
	ret
.planes:				; planar modes: write mode AH
	cmp	byte [bp + gscroll.kind], KIND_PLANAR
	jne	.planes_done
	push	ax
	mov	dx, VGA_SEQ
	mov	ax, 0x0f02
	out	dx, ax
	mov	dx, VGA_GDC
	mov	ax, 0xff08
	out	dx, ax
	pop	ax
	mov	al, 0x05
	out	dx, ax
.planes_done:
	ret

; ES:DI = start of scan line SI of the page on display, in a mode of kind AL. AX, SI lost.
line_address:
	cmp	al, KIND_PLANAR
	jae	.a000
	push	0xb800
	pop	es
	shr	si, 1
	sbb	di, di			; odd lines are 2000h up
	and	di, 0x2000
	imul	si, si, 80
	add	di, si
	ret
.a000:
	push	0xa000
	pop	es
	mov	di, 320
	ja	.linear
	mov	di, [BDA_VID_COLS]
.linear:
	imul	di, si
	add	di, [BDA_VID_START]
	ret

; ES:DI = byte of the pixel at column CX, line DX of the caller, page BH; AL = kind, CL = how
; far the pixel's bits stand from the right. CF set when the mode has no pixels.
pixel_address:
	call	mode_kind
	jz	.none
	cmp	al, KIND_NONE
	je	.none
	mov	si, dx
	push	ax
	call	line_address
	pop	ax
	cmp	al, KIND_PLANAR
	ja	.linear
	je	.planar
	cmp	al, KIND_CGA4
	je	.cga4
	jmp	.eight
.planar:
	sub	di, [BDA_VID_START]
	push	ax
	mov	al, [bp + F_BH]
	and	ax, 7
	mul	word [BDA_VID_PAGE_SIZE]
	add	di, ax
	pop	ax
.eight:
	mov	si, cx
	shr	si, 3
	add	di, si
	not	cl
	and	cl, 7
	clc
	ret
.cga4:
	mov	si, cx
	shr	si, 2
	add	di, si
	not	cl
	and	cl, 3
	shl	cl, 1
	clc
	ret
.linear:
	add	di, cx
	mov	cl, 0
	clc
	ret
.none:
	stc
	ret

; AH=0C: pixel CX, DX of page BH = colour AL; bit 7: XOR, except with 256 colours.
pixel_write:
	mov	bl, al
	call	pixel_address
	jc	.return
	mov	bh, 1			; BH = mask of a pixel
	cmp	al, KIND_PLANAR
	ja	.linear
	je	.planar
	cmp	al, KIND_CGA2
	je	.mask
	mov	bh, 3
.mask:
	mov	ah, bl
	and	ah, bh
	shl	ah, cl
	shl	bh, cl
	mov	al, [es:di]
	test	bl, 0x80
	jnz	.xor
	not	bh
	and	al, bh
.xor:
	xor	al, ah
	mov	[es:di], al
.return:
	ret
.linear:
	mov	[es:di], bl
	ret
.planar:
	shl	bh, cl
	mov	dx, VGA_SEQ
	mov	ax, 0x0f02
	out	dx, ax
	mov	dx, VGA_GDC
	mov	ax, 0x0205
	out	dx, ax
	mov	al, 0x08
	mov	ah, bh
	out	dx, ax
	mov	ax, 0x0003
	test	bl, 0x80
	jz	.function
	mov	ah, 0x18
.function:
	out	dx, ax
	mov	al, [es:di]
	mov	[es:di], bl
	mov	ax, 0x0003
	out	dx, ax
	mov	ax, 0x0005
	out	dx, ax
	mov	ax, 0xff08
	out	dx, ax
	ret

; AH=0D: AL = colour of pixel CX, DX of page BH.
pixel_read:
	call	pixel_address
	jc	.return
	mov	bh, 0x01
	cmp	al, KIND_PLANAR
	ja	.linear
	je	.planar
	cmp	al, KIND_CGA2
	je	.mask
	mov	bh, 3
.mask:
	mov	al, [es:di]
	shr	al, cl
	and	al, bh
	jmp	.store
.linear:
	mov	al, [es:di]
	jmp	.store
.planar:
	mov	dx, VGA_GDC
	mov	bl, 0
	mov	ax, 0x0304		; plane 3 first
.plane:
	out	dx, ax
	mov	ch, [es:di]
	shr	ch, cl
	and	ch, 1
	shl	bl, 1
	or	bl, ch
	dec	ah
	jns	.plane
	mov	al, bl
.store:
	mov	[bp + F_AL], al
.return:
	ret
