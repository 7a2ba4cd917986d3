; INT 10 AH=01-03, 06-0A, 0E, 13: cursor, scrolling, characters. Graphics modes share the
; calls; their pixels are vid_graphics.asm's.

; AH=01: CH = first line, CL = last line; CH bit 5: no cursor.
cursor_shape:
	mov	[BDA_VID_CURSOR_SHAPE], cx
	call	cursor_scale
	mov	dx, [BDA_VID_CRTC]
	mov	al, 0x0a
	mov	ah, ch
	out	dx, ax
	mov	al, 0x0b
	mov	ah, cl
	out	dx, ax
	ret

; Cursor emulation: lines meant for characters of 8 lines are scaled to those on screen.
cursor_scale:
	test	byte [BDA_VID_INFO], 1
	jnz	.return
	mov	dl, [BDA_VID_CHAR_HEIGHT]
	cmp	dl, 8
	jbe	.return
	test	ch, 0xe0		; hidden: as it is
	jnz	.return
	cmp	cl, 8
	jae	.return
	cmp	ch, cl
	ja	.return
	mov	bl, cl			; distance of the lines
	sub	bl, ch
	mov	al, cl
	inc	ax
	mul	dl
	shr	ax, 3
	dec	ax
	mov	cl, al			; last = (last + 1) * height / 8 - 1
	cmp	bl, 1
	ja	.block
	cmp	dl, 14			; an underline stands off the edge a little
	jb	.line
	dec	cx
.line:
	mov	ch, cl
	sub	ch, bl
	ret
.block:
	mov	al, ch
	mul	dl
	shr	ax, 3
	mov	ch, al
.return:
	ret

; AH=02: cursor of page BH to row DH, column DL.
cursor_set:
	movzx	bx, byte [bp + F_BH]
	and	bl, 7
	cmp	bl, [BDA_VID_PAGE]
	pushf
	shl	bx, 1
	mov	[BDA_VID_CURSOR + bx], dx
	popf
	je	cursor_show
	ret

; Puts the hardware cursor where the BDA has the cursor of the page on display.
cursor_show:
	call	mode_kind
	jnz	.return
	movzx	bx, byte [BDA_VID_PAGE]
	shl	bx, 1
	mov	dx, [BDA_VID_CURSOR + bx]
	mov	al, dh
	mul	byte [BDA_VID_COLS]
	mov	dh, 0
	add	ax, dx
	mov	bx, [BDA_VID_START]
	shr	bx, 1
	add	bx, ax
	mov	dx, [BDA_VID_CRTC]
	mov	al, 0x0e
	mov	ah, bh
	out	dx, ax
	inc	ax
	mov	ah, bl
	out	dx, ax
.return:
	ret

; AH=03: CX = shape, DX = position of page BH's cursor.
cursor_get:
	movzx	bx, byte [bp + F_BH]
	and	bl, 7
	shl	bx, 1
	mov	ax, [BDA_VID_CURSOR + bx]
	mov	[bp + F_DX], ax
	mov	ax, [BDA_VID_CURSOR_SHAPE]
	mov	[bp + F_CX], ax
	ret

; ES = text memory, DI = offset of row DH, column DL on page BH. Keeps the rest but AX.
text_address:
	push	dx
	push	bx
	mov	bl, bh
	mov	bh, 0
	and	bl, 7
	mov	al, dh
	mul	byte [BDA_VID_COLS]
	mov	dh, 0
	add	ax, dx
	shl	ax, 1
	mov	di, ax
	mov	ax, bx
	mul	word [BDA_VID_PAGE_SIZE]
	add	di, ax
	pop	bx
	pop	dx
	; falls through

; ES = text memory.
text_segment:
	mov	ax, 0xb800
	cmp	byte [BDA_VID_CRTC], 0xb4
	jne	.colour
	mov	ah, 0xb0
.colour:
	mov	es, ax
	ret

; DX = cursor of page BH.
cursor_of_page:
	push	bx
	movzx	bx, bh
	and	bl, 7
	shl	bx, 1
	mov	dx, [BDA_VID_CURSOR + bx]
	pop	bx
	ret

; AH=06, 07: AL lines (0: all) up or down in the window CX-DX, new lines with attribute BH.
scroll_up:
scroll_down:
	call	scroll_clip
	jc	.return
	mov	bh, [bp + F_BH]
	jmp	scroll_window
.return:
	ret

; The window CX-DX cut to the screen, AL = lines, at most its height and not 0.
; CF set when nothing is left of it.
scroll_clip:
	mov	ah, [BDA_VID_ROWS]
	test	ah, ah
	jnz	.rows
	mov	ah, 24
.rows:
	cmp	dh, ah
	jbe	.bottom
	mov	dh, ah
.bottom:
	mov	ah, [BDA_VID_COLS]
	dec	ah
	cmp	dl, ah
	jbe	.right
	mov	dl, ah
.right:
	cmp	ch, dh
	ja	.empty
	cmp	cl, dl
	ja	.empty
	mov	ah, dh
	sub	ah, ch
	inc	ah			; AH = height
	cmp	al, ah
	ja	.all
	test	al, al
	jnz	.done
.all:
	mov	al, ah
.done:
	clc
	ret
.empty:
	stc
	ret

; Scrolls a clipped window of the page on display: CX-DX, AL lines, attribute BH; down when
; the caller's AH is 7.
scroll_window:
	push	ax
	call	mode_kind
	pop	ax
	jnz	graphics_scroll
	push	bx
	mov	bl, al			; BL = lines
	sub	dh, ch
	inc	dh
	sub	dl, cl
	inc	dl
	xchg	cx, dx			; CH = height, CL = width; DX = first row to be written
	movzx	si, byte [BDA_VID_COLS]
	shl	si, 1			; SI = bytes to the next row
	cmp	byte [bp + F_AH], 7
	jne	.up
	add	dh, ch
	dec	dh
	neg	si
.up:
	mov	bh, [BDA_VID_PAGE]
	call	text_address
	movzx	dx, bl
	imul	dx, si			; DX = from target to source
	sub	ch, bl			; CH = rows that move
	jz	.blank
.move:
	push	si
	push	di
	push	cx
	mov	si, di
	add	si, dx
	mov	ch, 0
	es rep movsw
	pop	cx
	pop	di
	pop	si
	add	di, si
	dec	ch
	jnz	.move
.blank:
	pop	ax			; AH = attribute
	mov	al, ' '
.fill:
	push	di
	push	cx
	mov	ch, 0
	rep stosw
	pop	cx
	pop	di
	add	di, si
	dec	bl
	jnz	.fill
	ret

; AH=08: AL = character, AH = attribute at the cursor of page BH.
char_read:
	mov	bh, [bp + F_BH]
	call	cursor_of_page
	call	mode_kind
	jnz	graphics_char_read
	call	text_address
	mov	ax, [es:di]
	mov	[bp + F_AX], ax
	ret

; AH=09: character AL, attribute BL, CX times at the cursor of page BH.
char_write:
	jcxz	.return
	push	ax
	mov	bh, [bp + F_BH]
	call	cursor_of_page
	call	mode_kind
	jnz	.graphics
	call	text_address
	pop	ax
	mov	ah, [bp + F_BL]
	rep stosw
.return:
	ret
.graphics:
	pop	ax
	mov	bl, [bp + F_BL]
	jmp	graphics_char_repeat

; AH=0A: character AL only.
char_write_only:
	jcxz	.return
	push	ax
	mov	bh, [bp + F_BH]
	call	cursor_of_page
	call	mode_kind
	jnz	char_write.graphics
	call	text_address
	pop	ax
.next:
	stosb
	inc	di
	loop	.next
.return:
	ret

; AH=0E: AL as a terminal would show it, on the page on display; BL = colour in graphics.
teletype:
	mov	bl, [bp + F_BL]
	mov	bh, [BDA_VID_PAGE]
	call	cursor_of_page
	call	terminal_char
	movzx	bx, bh
	shl	bx, 1
	mov	[BDA_VID_CURSOR + bx], dx
	jmp	cursor_show

; Character AL at DX on page BH, which moves DX on; in text the attribute stays. Keeps BX.
terminal_char:
	cmp	al, 13
	ja	.glyph
	je	.return_carriage
	cmp	al, 10
	je	.line_feed
	cmp	al, 8
	je	.back
	cmp	al, 7
	je	beep
.glyph:
	push	ax
	call	mode_kind
	jnz	.graphics
	call	text_address
	pop	ax
	mov	[es:di], al
	jmp	.advance
.graphics:
	pop	ax
	push	bx
	push	dx
	mov	cx, 1
	call	graphics_char_repeat
	pop	dx
	pop	bx
.advance:
	inc	dx
	cmp	dl, [BDA_VID_COLS]
	jb	.done
	mov	dl, 0
.line_feed:
	cmp	dh, [BDA_VID_ROWS]
	jae	.scroll
	inc	dh
	ret
.return_carriage:
	mov	dl, 0
.done:
	ret
.back:
	test	dl, dl
	jz	.done
	dec	dx
	ret
.scroll:				; new lines look like the place that was left
	push	bx
	push	dx
	call	mode_kind
	mov	bh, 0
	jnz	.attribute
	mov	bh, [BDA_VID_PAGE]
	call	text_address
	mov	bh, [es:di + 1]
.attribute:
	xor	cx, cx
	mov	dh, [BDA_VID_ROWS]
	mov	dl, [BDA_VID_COLS]
	dec	dx
	mov	al, 1
	call	scroll_window
	pop	dx
	pop	bx
	ret

; A short tone, timed by itself: channel 2's output, seen in port 61 bit 5, is counted.
beep:
	push	ax
	push	cx
	push	dx
	mov	al, 0xb6
	out	PIT_CMD, al
	mov	al, 1331 & 0xff		; 896 Hz
	out	PIT_CH2, al
	mov	al, 1331 >> 8
	out	PIT_CH2, al
	in	al, SYS_PORT_B
	push	ax
	or	al, 3
	out	SYS_PORT_B, al
	mov	dx, 90			; 45 periods, 50 ms
	mov	ah, 0
.half:
	mov	cx, 0xffff		; a machine without bit 5 must not stop here
.poll:
	in	al, SYS_PORT_B
	and	al, 0x20
	cmp	al, ah
	loope	.poll
	mov	ah, al
	jcxz	.end
	dec	dx
	jnz	.half
.end:
	pop	ax
	out	SYS_PORT_B, al
	pop	dx
	pop	cx
	pop	ax
	ret

; AH=13: CX characters from ES:BP at DX on page BH. AL bit 0: the cursor moves along; bit 1:
; an attribute follows each character, else BL is that of all.
string_write:
	jcxz	.return
	mov	fs, [bp + F_ES]
	mov	si, [bp + F_BP]
	mov	bh, [bp + F_BH]
	mov	bl, [bp + F_BL]
.next:
	push	cx
	mov	al, [fs:si]
	inc	si
	test	byte [bp + F_AL], 2
	jz	.attribute
	mov	bl, [fs:si]
	inc	si
.attribute:
	push	si
	cmp	al, 13
	je	.put
	cmp	al, 10
	je	.put
	cmp	al, 8
	je	.put
	cmp	al, 7
	je	.put
	push	ax
	call	mode_kind
	jnz	.graphics
	call	text_address
	mov	[es:di + 1], bl
.graphics:
	pop	ax
.put:
	call	terminal_char
	pop	si
	pop	cx
	loop	.next
	test	byte [bp + F_AL], 1
	jz	.return
	movzx	bx, bh
	and	bl, 7
	shl	bx, 1
	mov	[BDA_VID_CURSOR + bx], dx
	jmp	cursor_show
.return:
	ret
