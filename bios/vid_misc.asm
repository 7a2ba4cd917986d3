; INT 10 AH=12, 1A, 1B, 1C: alternate select, display combination, state, save and restore.
; IBM PS/2 and PC BIOS Interface Technical Reference, INT 10 (12, 1A, 1B, 1C).

; AH=12: by BL. AL=12 back says that the function is known.
select_service:
	mov	bl, [bp + F_BL]
	cmp	bl, 0x10
	je	ega_info
	sub	bl, 0x30
	cmp	bl, 6
	ja	.return
	movzx	bx, bl
	shl	bx, 1
	mov	byte [bp + F_AL], 0x12
	jmp	[cs:.table + bx]
.return:
	ret
.table:
	dw	scan_lines_set, palette_load_set, video_enable, grey_set
	dw	cursor_emulation_set, nothing, refresh_set

; BL=10: BH = 0 colour, BL = 3 (256 KiB), CH = feature bits, CL = switches.
ega_info:
	mov	bx, 0x0003
	cmp	byte [BDA_VID_CRTC], 0xb4
	jne	.colour
	inc	bh
.colour:
	mov	[bp + F_BX], bx
	mov	al, [BDA_VID_SWITCHES]
	mov	ah, al
	shr	ah, 4
	and	al, 15
	mov	[bp + F_CX], ax
	ret

; BL=30: AL = 0 200, 1 350, 2 400 lines for the next text mode.
scan_lines_set:
	mov	ah, [BDA_VID_FLAGS]
	and	ah, 0x6f
	mov	bx, 0x0800 | 0x80	; switches' low half, flags
	cmp	al, 1
	jb	.set
	mov	bx, 0x0900
	je	.set
	mov	bl, 0x10
.set:
	or	ah, bl
	mov	[BDA_VID_FLAGS], ah
	mov	al, [BDA_VID_SWITCHES]
	and	al, 0xf0
	or	al, bh
	mov	[BDA_VID_SWITCHES], al
	ret

; BL=31: AL = 1: mode sets leave the palette alone.
palette_load_set:
	mov	ah, 0x08
	jmp	flag_set

; BL=33: AL = 0: mode sets make the palette grey.
grey_set:
	xor	al, 1
	mov	ah, 0x02
flag_set:				; bit AH of the flags on when AL is 1
	test	al, 1
	jz	.off
	or	[BDA_VID_FLAGS], ah
	ret
.off:
	not	ah
	and	[BDA_VID_FLAGS], ah
	ret

; BL=32: AL = 1: the CPU's access to video memory and ports off.
video_enable:
	mov	ah, al
	xor	ah, 1
	and	ah, 1
	shl	ah, 1
	mov	dx, VGA_MISC_READ
	in	al, dx
	and	al, 0xfd
	or	al, ah
	mov	dx, VGA_MISC
	out	dx, al
	ret

; BL=34: AL = 1: no cursor emulation.
cursor_emulation_set:
	and	al, 1
	and	byte [BDA_VID_INFO], 0xfe
	or	[BDA_VID_INFO], al
	ret

; BL=36: AL = 1: picture off.
refresh_set:
	mov	ah, al
	and	ah, 1
	shl	ah, 5
	mov	dx, VGA_SEQ
	mov	al, 1
	out	dx, al
	inc	dx
	in	al, dx
	and	al, 0xdf
	or	al, ah
	out	dx, al
	ret

; AH=1A: AL=00: BL = active display, BH = the other; AL=01 sets them.
combination_service:
	cmp	al, 1
	ja	.return
	mov	byte [bp + F_AL], 0x1a
	je	.set
	movzx	ax, byte [BDA_VID_DCC]
	mov	[bp + F_BX], ax
.return:
	ret
.set:
	mov	al, [bp + F_BL]
	mov	[BDA_VID_DCC], al
	ret

struc vstate				; INT 10 AH=1B, 64 bytes
.table:		resd	1
.bda:		resb	30		; 40:49 to 40:66
.rows:		resb	1
.height:	resw	1
.dcc:		resb	2
.colours:	resw	1
.pages:		resb	1
.lines:		resb	1		; 0 200, 1 350, 2 400, 3 480
.block:		resb	2		; character sets
.flags:		resb	1
.reserved:	resb	3
.memory:	resb	1		; 3: 256 KiB
.saves:		resb	1
.reserved2:	resb	13
endstruc

; AH=1B: BX=0: the state of the video BIOS to ES:DI.
state_service:
	cmp	word [bp + F_BX], 0
	jne	.return
	mov	es, [bp + F_ES]
	mov	di, [bp + F_DI]
	mov	word [es:di + vstate.table], state_table
	mov	[es:di + vstate.table + 2], cs
	push	di
	add	di, vstate.bda
	mov	si, BDA_VID_MODE
	mov	cx, 30
	rep movsb
	mov	cx, vstate_size - vstate.rows
	mov	al, 0
	rep stosb
	pop	di
	mov	al, [BDA_VID_ROWS]
	inc	ax
	mov	[es:di + vstate.rows], al
	mov	ax, [BDA_VID_CHAR_HEIGHT]
	mov	[es:di + vstate.height], ax
	mov	al, [BDA_VID_DCC]
	mov	[es:di + vstate.dcc], al
	movzx	bx, byte [BDA_VID_MODE]
	cmp	bl, 0x13
	ja	.no_mode
	mov	al, [cs:mode_colours + bx]
	mov	ah, 0
	cmp	bl, 0x13
	jne	.colours
	mov	ax, 256
.colours:
	mov	[es:di + vstate.colours], ax
	imul	bx, bx, mode_size
	mov	al, [cs:mode_table + bx + mode.pages]
	mov	[es:di + vstate.pages], al
.no_mode:
	mov	al, [BDA_VID_ROWS]	; lines on screen = rows * height
	inc	ax
	mul	byte [BDA_VID_CHAR_HEIGHT]
	mov	bl, 0
	cmp	ax, 300
	jb	.lines
	inc	bx
	cmp	ax, 360
	jb	.lines
	inc	bx
	cmp	ax, 440
	jb	.lines
	inc	bx
.lines:
	mov	[es:di + vstate.lines], bl
	mov	al, [BDA_VID_INFO]	; bit 0 of it is "no cursor emulation"
	mov	ah, [BDA_VID_FLAGS]
	mov	bl, ah
	and	bl, 0x0a		; 3 no default palette, 1 grey
	or	bl, 0x01		; 0 all modes on all displays
	test	al, 1
	jnz	.flags
	or	bl, 0x10		; 4 cursor emulation
.flags:
	mov	[es:di + vstate.flags], bl
	mov	byte [es:di + vstate.memory], 3
	mov	byte [bp + F_AL], 0x1b
.return:
	ret
mode_colours:
	db	16, 16, 16, 16, 4, 4, 2, 0, 0, 0, 0, 0, 0, 16, 16, 2, 16, 2, 16, 0
state_table:				; what there is: modes 0-7, D-13; 200, 350, 400 lines; ...
	db	0xff, 0xe0, 0x0f, 0, 0, 0, 0, 0x07
	db	8, 2			; character blocks, active ones
	db	0xff, 0x0e		; all functions of the list
	dw	0
	db	0, 0

; AH=1C: CX says what: 0 hardware, 1 BDA, 2 DAC. AL=00: BX = 64-byte blocks; 01 save to
; ES:BX, 02 restore from there. Order in the buffer: hardware, BDA, DAC.
SAVE_HW			equ	5 + 25 + 21 + 9 + 4
SAVE_BDA		equ	30 + 7 + 4 * 3
SAVE_DAC		equ	256 * 3 + 1

save_service:
	cmp	al, 2
	ja	.return
	mov	byte [bp + F_AL], 0x1c
	mov	es, [bp + F_ES]
	mov	di, [bp + F_BX]
	cmp	al, 1
	je	.save
	ja	.restore
	xor	bx, bx
	test	cl, 1
	jz	.no_hw
	add	bx, SAVE_HW
.no_hw:
	test	cl, 2
	jz	.no_bda
	add	bx, SAVE_BDA
.no_bda:
	test	cl, 4
	jz	.no_dac
	add	bx, SAVE_DAC
.no_dac:
	add	bx, 63
	shr	bx, 6
	mov	[bp + F_BX], bx
.return:
	ret
.save:
	test	cl, 1
	jz	.save_bda
	call	save_hardware
.save_bda:
	test	byte [bp + F_CL], 2
	jz	.save_dac
	mov	si, BDA_VID_MODE
	mov	cx, 30
	rep movsb
	mov	si, BDA_VID_ROWS
	mov	cx, 7
	rep movsb
	mov	si, BDA_VID_SAVE_TABLE
	movsd
	push	0
	pop	ds
	mov	si, 0x1f * 4
	movsd
	mov	si, 0x43 * 4
	movsd
.save_dac:
	test	byte [bp + F_CL], 4
	jz	.return
	mov	dx, VGA_DAC_MASK
	in	al, dx
	stosb
	inc	dx
	mov	al, 0
	out	dx, al
	mov	dx, VGA_DAC_DATA
	mov	cx, 256 * 3
	rep insb
	ret
.restore:
	mov	si, di
	test	cl, 1
	jz	.restore_bda
	call	restore_hardware
.restore_bda:
	test	byte [bp + F_CL], 2
	jz	.restore_dac
	push	ds			; from ES:SI to the BDA
	push	es
	push	ds
	pop	es
	pop	ds
	mov	di, BDA_VID_MODE
	mov	cx, 30
	rep movsb
	mov	di, BDA_VID_ROWS
	mov	cx, 7
	rep movsb
	mov	di, BDA_VID_SAVE_TABLE
	movsd
	push	0
	pop	es
	mov	di, 0x1f * 4
	movsd
	mov	di, 0x43 * 4
	movsd
	push	ds
	pop	es
	pop	ds
.restore_dac:
	test	byte [bp + F_CL], 4
	jz	.return
	mov	dx, VGA_DAC_MASK
	es lodsb
	out	dx, al
	mov	dx, VGA_DAC_WRITE
	mov	al, 0
	out	dx, al
	inc	dx
	mov	cx, 256 * 3
	es rep outsb
	ret

; The registers to ES:DI: misc, sequencer 1-4, CRTC, attribute controller, graphics
; controller, the latches (which cannot be read: zeros).
save_hardware:
	mov	dx, VGA_MISC_READ
	in	al, dx
	stosb
	mov	dx, VGA_SEQ
	mov	ax, 0x0401
	call	.range
	mov	dx, [BDA_VID_CRTC]
	mov	ax, 25 << 8
	call	.range
	mov	bl, 0
.atc:
	call	atc_read
	stosb
	inc	bl
	cmp	bl, 0x15
	jb	.atc
	mov	dx, VGA_GDC
	mov	ax, 9 << 8
	call	.range
	xor	eax, eax
	stosd
	ret
.range:					; AH registers from AL on
	push	ax
	out	dx, al
	inc	dx
	in	al, dx
	dec	dx
	stosb
	pop	ax
	inc	al
	dec	ah
	jnz	.range
	ret

; The same back from ES:SI.
restore_hardware:
	mov	dx, VGA_SEQ
	mov	ax, 0x0100
	out	dx, ax
	es lodsb
	mov	dx, VGA_MISC
	out	dx, al
	mov	dx, VGA_SEQ
	mov	bx, 0x0401
	call	.range
	mov	ax, 0x0300
	out	dx, ax
	mov	dx, [BDA_VID_CRTC]
	mov	ax, 0x0011
	out	dx, ax
	mov	bx, 25 << 8
	call	.range
	mov	bl, 0
.atc:
	es lodsb
	mov	bh, al
	call	atc_write
	inc	bl
	cmp	bl, 0x15
	jb	.atc
	mov	dx, VGA_GDC
	mov	bx, 9 << 8
	call	.range
	add	si, 4
	ret
.range:					; BH registers from BL on
	es lodsb
	mov	ah, al
	mov	al, bl
	out	dx, ax
	inc	bl
	dec	bh
	jnz	.range
	ret
