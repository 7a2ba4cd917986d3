; INT 10 AH=00, 05, 0F: video modes.

KIND_TEXT		equ	0
KIND_CGA4		equ	1	; 320x200, 2 bits a pixel, lines interleaved
KIND_CGA2		equ	2	; 640x200, 1 bit a pixel, lines interleaved
KIND_PLANAR		equ	3	; 16 colours, a byte of each plane for 8 pixels
KIND_LINEAR		equ	4	; 320x200, a byte a pixel
KIND_NONE		equ	5	; no mode of ours, or a VESA one

DAC_EGA			equ	0	; 64 colours RGBrgb
DAC_CGA			equ	1	; 16 colours at 0-7 and 10-17
DAC_MONO		equ	2
DAC_256			equ	3

struc mode
.kind:		resb	1
.dac:		resb	1
.param:		resb	1		; row of video_params; text modes: at 200 lines
.param_350:	resb	1		; text modes only
.param_400:	resb	1
.pages:		resb	1
endstruc

mode_table:				; modes 00 to 13
	db	KIND_TEXT, DAC_EGA, 0x00, 0x13, 0x17, 8
	db	KIND_TEXT, DAC_EGA, 0x01, 0x14, 0x17, 8
	db	KIND_TEXT, DAC_EGA, 0x02, 0x15, 0x18, 8
	db	KIND_TEXT, DAC_EGA, 0x03, 0x16, 0x18, 8
	db	KIND_CGA4, DAC_CGA, 0x04, 0, 0, 1
	db	KIND_CGA4, DAC_CGA, 0x05, 0, 0, 1
	db	KIND_CGA2, DAC_CGA, 0x06, 0, 0, 1
	db	KIND_TEXT, DAC_MONO, 0x07, 0x07, 0x19, 8
	db	KIND_NONE, 0, 0, 0, 0, 0
	db	KIND_NONE, 0, 0, 0, 0, 0
	db	KIND_NONE, 0, 0, 0, 0, 0
	db	KIND_NONE, 0, 0, 0, 0, 0
	db	KIND_NONE, 0, 0, 0, 0, 0
	db	KIND_PLANAR, DAC_CGA, 0x0d, 0, 0, 8
	db	KIND_PLANAR, DAC_CGA, 0x0e, 0, 0, 4
	db	KIND_PLANAR, DAC_MONO, 0x11, 0, 0, 2
	db	KIND_PLANAR, DAC_EGA, 0x12, 0, 0, 2
	db	KIND_PLANAR, DAC_EGA, 0x1a, 0, 0, 1
	db	KIND_PLANAR, DAC_EGA, 0x1b, 0, 0, 1
	db	KIND_LINEAR, DAC_256, 0x1c, 0, 0, 1
.end:

; AL = kind of the current mode; ZF set for text. Keeps all other registers.
mode_kind:
	push	bx
	movzx	bx, byte [BDA_VID_MODE]
	mov	al, KIND_NONE
	cmp	bl, 0x13
	ja	.done
	imul	bx, bx, mode_size
	mov	al, [cs:mode_table + bx + mode.kind]
.done:
	pop	bx
	cmp	al, KIND_TEXT
	ret

; AH=0F: AL = mode, with bit 7 as it was set; AH = columns, BH = page.
mode_get:
	mov	al, [BDA_VID_INFO]
	and	al, 0x80
	or	al, [BDA_VID_MODE]
	mov	ah, [BDA_VID_COLS]
	mov	[bp + F_AX], ax
	mov	al, [BDA_VID_PAGE]
	mov	[bp + F_BH], al
	ret

; AH=00: AL = mode; bit 7: leave the memory as it is.
set_mode:
	movzx	bx, al
	and	bl, 0x7f
	cmp	bl, 0x13
	ja	.return
	imul	si, bx, mode_size
	add	si, mode_table
	cmp	byte [cs:si + mode.kind], KIND_NONE
	je	.return
	mov	ah, 0x20		; what CGA programs get as AL back
	cmp	bl, 7
	ja	.answer
	mov	ah, 0x30
	cmp	bl, 6
	jne	.answer
	mov	ah, 0x3f
.answer:
	mov	[bp + F_AL], ah

	and	byte [BDA_VID_INFO], 0x7f
	and	al, 0x80
	or	[BDA_VID_INFO], al
	mov	[BDA_VID_MODE], bl
	call	vbe_disable
	call	mode_param		; DI = row of video_params
	call	mode_program
	call	mode_dac
	call	mode_memory
	call	mode_bda
	call	mode_font
	mov	dx, VGA_ATC		; picture on
	mov	al, 0x20
	out	dx, al
.return:
	ret

; DI = the parameter row of mode SI: text modes come with 200, 350 and 400 lines.
mode_param:
	movzx	di, byte [cs:si + mode.param]
	cmp	byte [cs:si + mode.kind], KIND_TEXT
	jne	.row
	mov	al, [BDA_VID_FLAGS]
	test	al, 0x80
	jnz	.row			; 200 lines
	movzx	di, byte [cs:si + mode.param_350]
	test	al, 0x10
	jz	.row
	movzx	di, byte [cs:si + mode.param_400]
.row:
	shl	di, 6
	add	di, video_params
	ret

; Writes the registers of parameter row DI. Keeps SI and DI.
mode_program:
	push	si
	push	ds
	push	cs
	pop	ds
	mov	dx, VGA_STATUS		; attribute controller: expects an index, picture off
	in	al, dx
	mov	dx, VGA_STATUS - 0x20
	in	al, dx
	mov	dx, VGA_ATC
	mov	al, 0
	out	dx, al

	mov	dx, VGA_SEQ
	mov	ax, 0x0100		; hold while the clock may change
	out	dx, ax
	lea	si, [di + vparam.seq]
	mov	cx, 4
	mov	ah, 1
	call	.indexed
	mov	dx, VGA_MISC
	mov	al, [di + vparam.misc]
	out	dx, al
	mov	dx, VGA_SEQ
	mov	ax, 0x0300
	out	dx, ax

	mov	dx, VGA_CRTC
	test	byte [di + vparam.misc], 1
	jnz	.colour
	mov	dl, 0xb4
.colour:
	mov	ax, 0x0011		; unlock 0-7
	out	dx, ax
	lea	si, [di + vparam.crtc]
	mov	cx, 25
	mov	ah, 0
	call	.indexed
	push	dx			; 3B4 or 3D4

	mov	dx, VGA_GDC
	lea	si, [di + vparam.gdc]
	mov	cx, 9
	mov	ah, 0
	call	.indexed

	pop	dx
	add	dl, 6			; status: 3BA or 3DA
	in	al, dx
	mov	dx, VGA_ATC
	lea	si, [di + vparam.atc]
	xor	ah, ah
	mov	cx, 20
.atc:
	mov	al, ah
	out	dx, al
	lodsb
	out	dx, al
	inc	ah
	loop	.atc
	mov	al, 0x14		; colour select
	out	dx, al
	mov	al, 0
	out	dx, al
	mov	dx, VGA_DAC_MASK
	mov	al, 0xff
	out	dx, al
	pop	ds
	pop	si
	ret
.indexed:				; CX bytes from DS:SI to the registers from AH on at DX
	lodsb
	xchg	al, ah
	out	dx, ax
	xchg	al, ah
	inc	ah
	loop	.indexed
	ret

; Loads the palette of mode SI, unless told not to (INT 10 AX=1201, BL=31).
mode_dac:
	test	byte [BDA_VID_FLAGS], 0x08
	jnz	.return
	push	si
	push	di
	movzx	bx, byte [cs:si + mode.dac]
	call	dac_load
	pop	di
	pop	si
.return:
	ret

; Clears the memory of mode SI.
mode_memory:
	test	byte [BDA_VID_INFO], 0x80
	jnz	.return
	push	di
	mov	ax, 0xa000
	mov	cx, 0x8000		; words
	xor	dx, dx
	mov	bl, [cs:si + mode.kind]
	cmp	bl, KIND_PLANAR
	jae	.fill
	mov	ax, 0xb800
	mov	ch, 0x20
	cmp	bl, KIND_TEXT
	jne	.fill
	mov	ch, 0x40
	mov	dx, 0x0720
	cmp	byte [BDA_VID_MODE], 7
	jne	.fill
	mov	ax, 0xb000
.fill:
	mov	es, ax
	xor	di, di
	mov	ax, dx
	rep stosw
	pop	di
.return:
	ret

; The BDA after a mode set; parameter row DI.
mode_bda:
	mov	al, [cs:di + vparam.cols]
	mov	ah, 0
	mov	[BDA_VID_COLS], ax
	mov	al, [cs:di + vparam.rows]
	mov	[BDA_VID_ROWS], al
	mov	al, [cs:di + vparam.height]
	mov	[BDA_VID_CHAR_HEIGHT], ax
	mov	ax, [cs:di + vparam.page_size]
	mov	[BDA_VID_PAGE_SIZE], ax
	xor	eax, eax
	mov	[BDA_VID_START], ax
	mov	[BDA_VID_PAGE], al
	mov	[BDA_VID_CURSOR], eax
	mov	[BDA_VID_CURSOR + 4], eax
	mov	[BDA_VID_CURSOR + 8], eax
	mov	[BDA_VID_CURSOR + 12], eax
	mov	ah, [cs:di + vparam.crtc + 10]
	mov	al, [cs:di + vparam.crtc + 11]
	call	mode_kind_text
	jnz	.no_cursor
	mov	ax, 0x0607		; what CGA programs expect to see
.no_cursor:
	mov	[BDA_VID_CURSOR_SHAPE], ax
	mov	ax, VGA_CRTC
	mov	cl, 0x20		; equipment: colour, 80 columns
	test	byte [cs:di + vparam.misc], 1
	jnz	.colour
	mov	ax, VGA_CRTC - 0x20
	mov	cl, 0x30
.colour:
	mov	[BDA_VID_CRTC], ax
	mov	al, [BDA_EQUIPMENT]
	and	al, 0xcf
	or	al, cl
	mov	[BDA_EQUIPMENT], al
	mov	byte [BDA_VID_MODE_REG], 0
	mov	byte [BDA_VID_PALETTE_REG], 0x30
	movzx	bx, byte [BDA_VID_MODE]
	cmp	bl, 7
	ja	.done
	mov	al, [cs:.mode_regs + bx]
	mov	[BDA_VID_MODE_REG], al
	cmp	bl, 6
	jne	.done
	mov	byte [BDA_VID_PALETTE_REG], 0x3f
.done:
	ret
.mode_regs:
	db	0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29

; ZF set when the current mode is text; keeps AX.
mode_kind_text:
	push	ax
	call	mode_kind
	pop	ax
	ret

; The font of the mode: into plane 2 for text, INT 43 for graphics.
mode_font:
	movzx	ax, byte [BDA_VID_CHAR_HEIGHT]
	call	font_by_height		; ES:SI
	call	mode_kind_text
	jz	.text
	push	0
	pop	ds
	mov	[0x43 * 4], si
	mov	[0x43 * 4 + 2], es
	push	BDA_SEG
	pop	ds
	ret
.text:
	mov	bx, 0			; block 0
	mov	cx, 256
	mov	dx, 0
	mov	ah, [BDA_VID_CHAR_HEIGHT]
	call	font_load
	mov	dx, VGA_SEQ
	mov	ax, 0x0003		; both sets: block 0
	out	dx, ax
	ret

; AH=05: AL = page to show.
page_set:
	cmp	al, 7
	ja	.return
	mov	[BDA_VID_PAGE], al
	mov	ah, 0
	mul	word [BDA_VID_PAGE_SIZE]
	mov	[BDA_VID_START], ax
	mov	bx, ax
	call	mode_kind
	jnz	.bytes
	shr	bx, 1			; the CRTC counts words in text modes
.bytes:
	mov	dx, [BDA_VID_CRTC]
	mov	al, 0x0c
	mov	ah, bh
	out	dx, ax
	inc	ax
	mov	ah, bl
	out	dx, ax
	jmp	cursor_show
.return:
	ret
