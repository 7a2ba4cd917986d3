; INT 10 in graphics modes: scrolling by scan lines, and single pixels (AH=0C, 0D). Addresses:
; IBM VGA Technical Reference, section 2 (memory organisation of each mode).

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
