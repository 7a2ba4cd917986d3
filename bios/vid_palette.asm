; INT 10 AH=0B and AH=10: CGA palette, attribute controller, DAC. IBM PS/2 and PC BIOS
; Interface Technical Reference, INT 10 (0B, 10).

; Makes the attribute controller expect an index. Keeps all registers.
atc_reset:
	push	ax
	push	dx
	mov	dx, [BDA_VID_CRTC]
	add	dl, 6
	in	al, dx
	pop	dx
	pop	ax
	ret

; Attribute register BL = BH; the picture stays on.
atc_write:
	push	ax
	push	dx
	call	atc_reset
	mov	dx, VGA_ATC
	mov	al, bl
	and	al, 0x1f
	out	dx, al
	mov	al, bh
	out	dx, al
	mov	al, 0x20
	out	dx, al
	pop	dx
	pop	ax
	ret

; AL = attribute register BL.
atc_read:
	push	dx
	call	atc_reset
	mov	dx, VGA_ATC
	mov	al, bl
	and	al, 0x1f
	out	dx, al
	inc	dx
	in	al, dx
	push	ax
	call	atc_reset
	mov	dx, VGA_ATC
	mov	al, 0x20
	out	dx, al
	pop	ax
	pop	dx
	ret

; AH=0B: BH=00: BL = background and border; BH=01: BL bit 0 = which CGA palette.
cga_palette:
	mov	al, [bp + F_BL]
	mov	ah, [BDA_VID_PALETTE_REG]
	cmp	byte [bp + F_BH], 1
	ja	.return
	je	.palette
	and	ah, 0xe0
	and	al, 0x1f
	or	ah, al
	mov	[BDA_VID_PALETTE_REG], ah
	mov	bh, al			; intensity is bit 4 in the 200-line palette
	and	bh, 7
	test	al, 8
	jz	.border
	or	bh, 0x10
.border:
	mov	bl, 0x11
	call	atc_write
	call	mode_kind
	cmp	al, KIND_CGA4
	jne	.return
	mov	bl, 0
	call	atc_write
	mov	ah, [BDA_VID_PALETTE_REG]
	jmp	.colours
.palette:
	and	ah, 0xdf
	test	al, 1
	jz	.store
	or	ah, 0x20
.store:
	mov	[BDA_VID_PALETTE_REG], ah
	call	mode_kind
	cmp	al, KIND_CGA4
	jne	.return
.colours:				; green red brown, or cyan magenta white; 3D9 bit 4 bright
	mov	bh, 2
	test	ah, 0x20
	jz	.intensity
	inc	bh
.intensity:
	test	ah, 0x10
	jz	.write
	or	bh, 0x10
.write:
	mov	bl, 1
	mov	cx, 3
.next:
	call	atc_write
	inc	bl
	add	bh, 2
	loop	.next
.return:
	ret

; AH=10: by AL.
palette_service:
	movzx	bx, al
	cmp	bl, (.table_end - .table) / 2
	jae	.return
	shl	bx, 1
	jmp	[cs:.table + bx]
.return:
	ret
.table:
	dw	palette_set, border_set, palette_set_all, blink_set
	dw	nothing, nothing, nothing, palette_get
	dw	border_get, palette_get_all, nothing, nothing
	dw	nothing, nothing, nothing, nothing
	dw	dac_set, nothing, dac_set_block, dac_page_set
	dw	nothing, dac_get, nothing, dac_get_block
	dw	dac_mask_set, dac_mask_get, dac_page_get, dac_grey
.table_end:

; AL=00: palette register BL = BH.
palette_set:
	mov	bx, [bp + F_BX]
	cmp	bl, 0x14
	ja	palette_service.return
	jmp	atc_write

; AL=01: border BH.
border_set:
	mov	bh, [bp + F_BH]
	mov	bl, 0x11
	jmp	atc_write

; AL=02: 16 registers and the border from ES:DX.
palette_set_all:
	mov	es, [bp + F_ES]
	mov	si, dx
	mov	bl, 0
.next:
	mov	bh, [es:si]
	call	atc_write
	inc	si
	inc	bl
	cmp	bl, 16
	jb	.next
	mov	bl, 0x11
	mov	bh, [es:si]
	jmp	atc_write

; AL=03: BL = 1: attribute bit 7 blinks, 0: bright background.
blink_set:
	mov	bl, 0x10
	call	atc_read
	and	al, 0xf7
	mov	bh, [bp + F_BL]
	and	bh, 1
	shl	bh, 3
	or	bh, al
	and	byte [BDA_VID_MODE_REG], 0xdf
	test	bh, 8
	jz	atc_write
	or	byte [BDA_VID_MODE_REG], 0x20
	jmp	atc_write

; AL=07: BH = register BL.
palette_get:
	mov	bl, [bp + F_BL]
	call	atc_read
	mov	[bp + F_BH], al
	ret

; AL=08: BH = border.
border_get:
	mov	bl, 0x11
	call	atc_read
	mov	[bp + F_BH], al
	ret

; AL=09: 16 registers and the border to ES:DX.
palette_get_all:
	mov	es, [bp + F_ES]
	mov	di, dx
	mov	bl, 0
.next:
	call	atc_read
	stosb
	inc	bl
	cmp	bl, 16
	jb	.next
	inc	bl
	call	atc_read
	stosb
	ret

; AL=10: DAC register BX = DH red, CH green, CL blue.
dac_set:
	mov	al, [bp + F_BL]
	mov	ah, dh
	mov	dx, VGA_DAC_WRITE
	out	dx, al
	inc	dx
	mov	al, ah
	out	dx, al
	mov	al, ch
	out	dx, al
	mov	al, cl
	out	dx, al
	ret

; AL=12: CX registers from BX on, three bytes each at ES:DX.
dac_set_block:
	jcxz	.return
	mov	al, [bp + F_BL]
	mov	si, dx
	mov	dx, VGA_DAC_WRITE
	out	dx, al
	inc	dx
	mov	ds, [bp + F_ES]
	mov	ax, cx
	add	cx, ax
	add	cx, ax
	rep outsb
.return:
	ret

; AL=15: DH, CH, CL = DAC register BX.
dac_get:
	mov	al, [bp + F_BL]
	mov	dx, VGA_DAC_READ
	out	dx, al
	mov	dx, VGA_DAC_DATA
	in	al, dx
	mov	[bp + F_DH], al
	in	al, dx
	mov	[bp + F_CH], al
	in	al, dx
	mov	[bp + F_CL], al
	ret

; AL=17: CX registers from BX on to ES:DX.
dac_get_block:
	jcxz	.return
	mov	al, [bp + F_BL]
	mov	di, dx
	mov	dx, VGA_DAC_READ
	out	dx, al
	mov	dx, VGA_DAC_DATA
	mov	es, [bp + F_ES]
	mov	ax, cx
	add	cx, ax
	add	cx, ax
	rep insb
.return:
	ret

; AL=13: BL=00: 4 pages of 64 (BH=0) or 16 of 16 (BH=1); BL=01: page BH.
dac_page_set:
	mov	bl, 0x10
	call	atc_read
	mov	bh, al
	mov	ah, [bp + F_BH]
	cmp	byte [bp + F_BL], 1
	je	.page
	and	bh, 0x7f
	shl	ah, 7
	or	bh, ah
	jmp	atc_write
.page:
	test	bh, 0x80
	jnz	.sixteen
	shl	ah, 2			; bits 7:6 of the colour select register
.sixteen:
	mov	bh, ah
	and	bh, 15
	mov	bl, 0x14
	jmp	atc_write

; AL=1A: BL = paging mode, BH = page.
dac_page_get:
	mov	bl, 0x10
	call	atc_read
	mov	ah, al
	shr	ah, 7
	mov	bl, 0x14
	call	atc_read
	and	al, 15
	mov	[bp + F_BL], ah
	test	ah, ah
	jnz	.sixteen
	shr	al, 2
.sixteen:
	mov	[bp + F_BH], al
	ret

; AL=18, 19: the DAC's mask.
dac_mask_set:
	mov	al, [bp + F_BL]
	mov	dx, VGA_DAC_MASK
	out	dx, al
	ret
dac_mask_get:
	mov	dx, VGA_DAC_MASK
	in	al, dx
	mov	[bp + F_BL], al
	ret

; AL=1B: CX registers from BX on become grey.
dac_grey:
	jcxz	.return
	mov	bl, [bp + F_BL]
.next:
	call	dac_grey_one
	inc	bl
	loop	.next
.return:
	ret

; Register BL to grey: 30 % red, 59 % green, 11 % blue.
dac_grey_one:
	push	cx
	mov	al, bl
	mov	dx, VGA_DAC_READ
	out	dx, al
	mov	dx, VGA_DAC_DATA
	in	al, dx
	mov	ah, 77
	mul	ah
	mov	cx, ax
	in	al, dx
	mov	ah, 151
	mul	ah
	add	cx, ax
	in	al, dx
	mov	ah, 28
	mul	ah
	add	cx, ax
	mov	al, bl
	mov	dx, VGA_DAC_WRITE
	out	dx, al
	inc	dx
	mov	al, ch
	out	dx, al
	out	dx, al
	out	dx, al
	pop	cx
	ret

; Loads the whole DAC with the default palette BX (DAC_EGA, ...), grey if asked for.
dac_load:
	mov	dx, VGA_DAC_WRITE
	mov	al, 0
	out	dx, al
	inc	dx
	shl	bx, 1
	call	[cs:.table + bx]
	test	byte [BDA_VID_FLAGS], 0x02
	jz	.return
	mov	cx, 256
	mov	bl, 0
	jmp	dac_grey.next
.return:
	ret
.table:
	dw	dac_ega, dac_cga, dac_mono, dac_256

; 64 colours, index bits rgbRGB: capital two thirds, small one third.
dac_ega:
	xor	bx, bx
.next:
	mov	al, 0x24		; red: bits 2 and 5
	call	.gun
	mov	al, 0x12
	call	.gun
	mov	al, 0x09
	call	.gun
	inc	bl
	cmp	bl, 64
	jb	.next
	jmp	dac_rest
.gun:					; the intensity that index BL has in the bits AL
	and	al, bl
	mov	ah, al
	mov	al, 0
	test	ah, 0x07
	jz	.low
	mov	al, 0x2a
.low:
	test	ah, 0x38
	jz	.out
	add	al, 0x15
.out:
	out	dx, al
	ret

; The same 16 colours for each index: bits 0-2 colour, bit 4 intensity.
dac_cga:
	xor	bx, bx
.next:
	mov	al, bl
	and	al, 7
	test	bl, 0x10
	jz	.colour
	or	al, 8
.colour:
	call	dac_irgb
	inc	bl
	cmp	bl, 64
	jb	.next
	jmp	dac_rest

; Colour AL of the CGA to the DAC.
dac_irgb:
	mov	ah, al
	mov	ch, 0			; what intensity adds
	test	ah, 8
	jz	.dark
	mov	ch, 0x15
.dark:
	mov	al, 4
	call	.gun
	mov	al, 2
	cmp	ah, 6			; dark yellow is brown: half the green
	jne	.green
	mov	al, 0x15
	out	dx, al
	jmp	.blue
.green:
	call	.gun
.blue:
	mov	al, 1
.gun:
	and	al, ah
	mov	al, ch
	jz	.out
	add	al, 0x2a
.out:
	out	dx, al
	ret

; Attributes 08 normal, 10 dim, 18 bright.
dac_mono:
	xor	bx, bx
.next:
	mov	al, bl
	shr	al, 3
	and	al, 3
	push	bx
	movzx	bx, al
	mov	al, [cs:.levels + bx]
	pop	bx
	out	dx, al
	out	dx, al
	out	dx, al
	inc	bl
	cmp	bl, 64
	jb	.next
	jmp	dac_rest
.levels:
	db	0x00, 0x2a, 0x15, 0x3f

; The rest of the DAC, from 64 on: black.
dac_rest:
	mov	cx, (256 - 64) * 3
	mov	al, 0
.next:
	out	dx, al
	loop	.next
	ret

; Mode 13: 16 CGA colours, 16 greys, 24 hues in 3 intensities of 3 saturations, 8 black.
dac_256:
	xor	bx, bx
.cga:
	mov	al, bl
	call	dac_irgb
	inc	bl
	cmp	bl, 16
	jb	.cga
	mov	si, .greys
	mov	cx, 16
.grey:
	cs lodsb
	out	dx, al
	out	dx, al
	out	dx, al
	loop	.grey
	mov	si, .ramps
	mov	cx, 9
.ramp:
	push	cx
	xor	bx, bx			; hue 0: blue
.hue:
	lea	ax, [bx + 8 + 8]	; red is as strong as blue 8 hues on, green 8 before
	call	.level
	lea	ax, [bx + 8]
	call	.level
	mov	ax, bx
	call	.level
	inc	bx
	cmp	bx, 24
	jb	.hue
	add	si, 5
	pop	cx
	loop	.ramp
	mov	cx, 8 * 3
	mov	al, 0
.black:
	out	dx, al
	loop	.black
	ret
; The level that a gun has AX hues past its own: full for 4 hues either way, then falling
; over 4, then off for 8.
.level:
	cmp	ax, 24
	jb	.in_circle
	sub	ax, 24
.in_circle:
	cmp	ax, 12
	jbe	.near
	neg	ax
	add	ax, 24
.near:					; AX = distance, 0 to 12
	sub	ax, 4
	jae	.falling
	xor	ax, ax
.falling:
	cmp	ax, 4
	jbe	.index
	mov	ax, 4
.index:
	push	bx
	mov	bx, 4
	sub	bx, ax
	mov	al, [cs:si + bx]
	pop	bx
	out	dx, al
	ret
.greys:
	db	0x00, 0x05, 0x08, 0x0b, 0x0e, 0x11, 0x14, 0x18
	db	0x1c, 0x20, 0x24, 0x28, 0x2d, 0x32, 0x38, 0x3f
.ramps:					; off, three steps, full: for each saturation and intensity
	db	0x00, 0x10, 0x1f, 0x2f, 0x3f
	db	0x1f, 0x27, 0x2f, 0x37, 0x3f
	db	0x2d, 0x31, 0x36, 0x3a, 0x3f
	db	0x00, 0x07, 0x0e, 0x15, 0x1c
	db	0x0e, 0x11, 0x15, 0x18, 0x1c
	db	0x14, 0x16, 0x18, 0x1a, 0x1c
	db	0x00, 0x04, 0x08, 0x0c, 0x10
	db	0x08, 0x0a, 0x0c, 0x0e, 0x10
	db	0x0b, 0x0c, 0x0d, 0x0f, 0x10
