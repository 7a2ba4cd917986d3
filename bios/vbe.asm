; INT 10 AH=4F: VESA BIOS Extension 2.0 (VBE Core Functions Standard 2.0, November 1994) over
; the Bochs DISPI registers (01CE, 01CF) and the linear frame buffer at E0000000.
;
; NOT IMPLEMENTED: power management and DDC (AX=4F10, 4F15), refresh rates, triple buffers.

VBE_LFB			equ	0xe0000000
VBE_OK			equ	0x004f
VBE_FAILED		equ	0x014f
VBE_MODE_LFB		equ	0x4000		; bits of a mode number
VBE_MODE_NO_CLEAR	equ	0x8000
VBE_BDA_MODE		equ	0x7f		; 40:49 meanwhile: a mode we cannot draw in

; AL: function. AX back: 004F, 014F failed; AX stays for what is not known.
vbe_service:
	call	dispi_present
	jc	.return			; no DISPI, no VBE
	movzx	bx, al
	cmp	bl, (.table_end - .table) / 2
	jae	.return
	shl	bx, 1
	call	[cs:.table + bx]
	mov	[bp + F_AX], ax
.return:
	ret
.table:
	dw	vbe_info, vbe_mode_info, vbe_mode_set, vbe_mode_get
	dw	vbe_state, vbe_bank, vbe_line_length, vbe_start
	dw	vbe_dac_width, vbe_palette, vbe_protected
.table_end:

struc vbe_info_block
.signature:	resd	1
.version:	resw	1
.oem:		resd	1
.capabilities:	resd	1
.modes:		resd	1
.memory:	resw	1
.oem_revision:	resw	1		; from here on only for callers that know VBE 2
.oem_vendor:	resd	1
.oem_product:	resd	1
.oem_version:	resd	1
.list:		resw	1		; ours: the mode list, in the part reserved for us
endstruc

; AX=4F00: what there is, to ES:DI: 256 bytes, 512 when they begin with "VBE2".
vbe_info:
	mov	es, [bp + F_ES]
	mov	di, [bp + F_DI]
	cmp	dword [es:di], "VBE2"
	pushf
	push	di
	mov	cx, 128
	xor	ax, ax
	rep stosw
	pop	di
	mov	dword [es:di + vbe_info_block.signature], "VESA"
	mov	word [es:di + vbe_info_block.version], 0x0200
	mov	word [es:di + vbe_info_block.oem], .oem
	mov	[es:di + vbe_info_block.oem + 2], cs
	mov	word [es:di + vbe_info_block.capabilities], 1	; DAC of 6 or 8 bits
	lea	ax, [di + vbe_info_block.list]
	mov	[es:di + vbe_info_block.modes], ax
	mov	[es:di + vbe_info_block.modes + 2], es
	call	vbe_memory
	mov	[es:di + vbe_info_block.memory], cx
	popf
	jne	.list
	mov	word [es:di + vbe_info_block.oem_revision], 0x0100
	mov	word [es:di + vbe_info_block.oem_vendor], .vendor
	mov	[es:di + vbe_info_block.oem_vendor + 2], cs
	mov	word [es:di + vbe_info_block.oem_product], .product
	mov	[es:di + vbe_info_block.oem_product + 2], cs
	mov	word [es:di + vbe_info_block.oem_version], .version
	mov	[es:di + vbe_info_block.oem_version + 2], cs
.list:
	add	di, vbe_info_block.list
	mov	si, vbe_modes
.next:
	cmp	word [cs:si], 0
	je	.end
	call	vbe_fits
	jc	.skip
	mov	ax, [cs:si + vbe_mode.number]
	stosw
.skip:
	add	si, vbe_mode_size
	jmp	.next
.end:
	mov	ax, 0xffff
	stosw
	mov	ax, VBE_OK
	ret
.oem:		db	"Umbra86 video BIOS", 0
.vendor:	db	"Umbra86", 0
.product:	db	"Umbra86 VGA", 0
.version:	db	"1.0", 0

struc mode_info
.attributes:	resw	1		; 9Bh: there, colour, graphics, linear buffer
.window_a:	resb	1		; 07h: there, readable, writable
.window_b:	resb	1
.granularity:	resw	1		; KiB
.window_size:	resw	1
.segment_a:	resw	1
.segment_b:	resw	1
.window_call:	resd	1
.pitch:		resw	1
.width:		resw	1
.height:	resw	1
.char_width:	resb	1
.char_height:	resb	1
.planes:	resb	1
.bpp:		resb	1
.banks:		resb	1
.model:		resb	1		; 3 planar, 4 packed, 6 direct colour
.bank_size:	resb	1
.pages:		resb	1		; that fit in memory beside the first
.reserved:	resb	1
.fields:	resb	8		; red, green, blue, rest: bits, position
.direct:	resb	1
.linear:	resd	1
.zero:		resb	6
.linear_pitch:	resw	1		; VBE 3 from here on; harmless to others
.banked_pages:	resb	1
.linear_pages:	resb	1
.linear_fields:	resb	8
endstruc

; AX=4F01: about mode CX, to ES:DI, 256 bytes.
vbe_mode_info:
	call	vbe_find
	mov	ax, VBE_FAILED
	jc	.return
	mov	es, [bp + F_ES]
	mov	di, [bp + F_DI]
	push	di
	mov	cx, 128
	xor	ax, ax
	rep stosw
	pop	di
	mov	word [es:di + mode_info.attributes], 0x009b
	mov	byte [es:di + mode_info.window_a], 7
	mov	word [es:di + mode_info.granularity], 64
	mov	word [es:di + mode_info.window_size], 64
	mov	word [es:di + mode_info.segment_a], 0xa000
	mov	word [es:di + mode_info.window_call], vbe_bank_call
	mov	[es:di + mode_info.window_call + 2], cs
	call	vbe_pitch
	mov	[es:di + mode_info.pitch], ax
	mov	[es:di + mode_info.linear_pitch], ax
	mov	ax, [cs:si + vbe_mode.width]
	mov	[es:di + mode_info.width], ax
	mov	ax, [cs:si + vbe_mode.height]
	mov	[es:di + mode_info.height], ax
	mov	byte [es:di + mode_info.char_width], 8
	mov	byte [es:di + mode_info.char_height], 16
	mov	byte [es:di + mode_info.planes], 1
	mov	byte [es:di + mode_info.banks], 1
	mov	byte [es:di + mode_info.reserved], 1
	mov	ax, [cs:si + vbe_mode.bpp]
	mov	[es:di + mode_info.bpp], al
	mov	dword [es:di + mode_info.linear], VBE_LFB
	mov	bl, 4
	cmp	al, 8
	je	.model
	ja	.direct
	mov	byte [es:di + mode_info.planes], 4
	mov	dword [es:di + mode_info.linear], 0
	and	byte [es:di + mode_info.attributes], 0x7f
	mov	bl, 3
	jmp	.model
.direct:
	mov	bx, .fields_15
	cmp	al, 16
	jb	.fields
	mov	bx, .fields_16
	je	.fields
	mov	bx, .fields_24
	cmp	al, 24
	je	.fields
	mov	bx, .fields_32
.fields:
	mov	eax, [cs:bx]
	mov	[es:di + mode_info.fields], eax
	mov	[es:di + mode_info.linear_fields], eax
	mov	eax, [cs:bx + 4]
	mov	[es:di + mode_info.fields + 4], eax
	mov	[es:di + mode_info.linear_fields + 4], eax
	mov	bl, 6
.model:
	mov	[es:di + mode_info.model], bl
	call	vbe_page_count
	mov	[es:di + mode_info.pages], al
	mov	[es:di + mode_info.banked_pages], al
	mov	[es:di + mode_info.linear_pages], al
	mov	ax, VBE_OK
.return:
	ret
.fields_15:	db	5, 10, 5, 5, 5, 0, 1, 15
.fields_16:	db	5, 11, 6, 5, 5, 0, 0, 0
.fields_24:	db	8, 16, 8, 8, 8, 0, 0, 0
.fields_32:	db	8, 16, 8, 8, 8, 0, 8, 24

; AL = how many screens of row SI fit in memory beside the first.
vbe_page_count:
	call	vbe_pitch
	mul	word [cs:si + vbe_mode.height]
	shl	edx, 16
	mov	dx, ax
	cmp	word [cs:si + vbe_mode.bpp], 4
	jne	.size
	shl	edx, 2
.size:
	mov	ebx, edx
	call	vbe_memory
	movzx	eax, cx
	shl	eax, 16
	xor	edx, edx
	div	ebx
	dec	ax
	cmp	ax, 255
	jbe	.done
	mov	al, 255
.done:
	ret

; AX=4F02: sets mode BX; bit 14: linear, bit 15: memory stays.
vbe_mode_set:
	mov	cx, [bp + F_BX]
	mov	ax, cx
	and	ax, 0x3fff
	cmp	ax, 0x100
	jb	.standard
	call	vbe_find
	mov	ax, VBE_FAILED
	jc	.return
	cmp	word [cs:si + vbe_mode.bpp], 4
	jne	.set
	test	ch, VBE_MODE_LFB >> 8	; planes have no linear buffer
	jnz	.return
.set:
	call	vbe_disable
	push	si			; a VGA mode with the same idea of memory first
	cmp	word [cs:si + vbe_mode.bpp], 4
	mov	si, mode_table + 0x13 * mode_size
	mov	di, video_params + 0x1c * vparam_size
	jne	.program
	mov	si, mode_table + 0x12 * mode_size
	mov	di, video_params + 0x1b * vparam_size
.program:
	call	mode_program
	call	mode_dac
	call	mode_bda
	pop	si
	mov	byte [BDA_VID_MODE], VBE_BDA_MODE
	mov	ax, [bp + F_BX]
	and	ax, 0xc1ff
	mov	[BDA_VBE_MODE], ax
	mov	cx, [cs:si + vbe_mode.width]
	mov	al, DISPI_XRES
	call	dispi_write
	shr	cx, 3
	mov	[BDA_VID_COLS], cx
	mov	cx, [cs:si + vbe_mode.height]
	mov	al, DISPI_YRES
	call	dispi_write
	shr	cx, 4
	dec	cx
	mov	[BDA_VID_ROWS], cl
	mov	byte [BDA_VID_CHAR_HEIGHT], 16
	mov	cx, [cs:si + vbe_mode.bpp]
	mov	al, DISPI_BPP
	call	dispi_write
	mov	cx, DISPI_ENABLED
	test	byte [BDA_VBE_MODE + 1], VBE_MODE_LFB >> 8
	jz	.banked
	or	cl, DISPI_LFB
.banked:
	test	byte [BDA_VBE_MODE + 1], VBE_MODE_NO_CLEAR >> 8
	jz	.clear
	or	cl, DISPI_NO_CLEAR
.clear:
	mov	al, DISPI_ENABLE
	call	dispi_write
	mov	dx, VGA_ATC		; picture on
	mov	al, 0x20
	out	dx, al
	mov	ax, VBE_OK
.return:
	ret
.standard:
	mov	ax, cx
	and	ah, 0x80
	or	al, ah
	and	cx, 0x7f
	cmp	cl, 0x13
	ja	.no_standard
	mov	ah, 0
	call	set_mode
	mov	ax, VBE_OK
	ret
.no_standard:
	mov	ax, VBE_FAILED
	ret

; AX=4F03: BX = mode.
vbe_mode_get:
	mov	bx, [BDA_VBE_MODE]
	test	bx, bx
	jnz	.known
	movzx	bx, byte [BDA_VID_MODE]
.known:
	mov	[bp + F_BX], bx
	mov	ax, VBE_OK
	ret

; AX=4F04: DL = 0 size BX, 1 save, 2 restore at ES:BX what CX says (as AH=1C, 3 all of VBE's).
; The buffer begins with 64 bytes for the DISPI registers.
vbe_state:
	mov	ax, VBE_FAILED
	cmp	dl, 2
	ja	.return
	mov	byte [bp + F_AL], dl
	mov	es, [bp + F_ES]
	mov	di, [bp + F_BX]
	cmp	dl, 1
	jb	.size
	je	.save
	test	byte [bp + F_CL], 8
	jz	.restored
	mov	cx, [es:di]
	mov	[BDA_VBE_MODE], cx
	mov	si, di
	mov	al, DISPI_ENABLE
	xor	cx, cx
	call	dispi_write
	test	byte [es:di + 2], DISPI_ENABLED
	jz	.restored
	mov	al, DISPI_XRES
	mov	bx, 4
.put:
	cmp	al, DISPI_ENABLE
	je	.enable
	mov	cx, [es:di + bx]
	jmp	.put_one
.enable:
	mov	cx, [es:di + 2]
	or	cl, DISPI_NO_CLEAR
.put_one:
	call	dispi_write
	add	bx, 2
	inc	ax
	cmp	al, DISPI_Y
	jbe	.put
.restored:
	mov	al, 2
	jmp	.standard
.save:
	mov	cx, [BDA_VBE_MODE]
	mov	[es:di], cx
	mov	al, DISPI_ENABLE
	call	dispi_read
	mov	[es:di + 2], ax
	mov	cl, DISPI_XRES
	mov	bx, 4
.get:
	mov	al, cl
	call	dispi_read
	mov	[es:di + bx], ax
	add	bx, 2
	inc	cx
	cmp	cl, DISPI_Y
	jbe	.get
	mov	al, 1
	jmp	.standard
.size:
	mov	al, 0
.standard:				; the rest is what AH=1C does, 64 bytes on
	push	word [bp + F_BX]
	add	word [bp + F_BX], 64
	mov	cx, [bp + F_CX]
	mov	[bp + F_AL], al
	mov	ah, 0x1c
	push	ax
	call	save_service
	pop	ax
	pop	bx
	push	BDA_SEG
	pop	ds
	test	al, al
	jz	.blocks
	mov	[bp + F_BX], bx
	jmp	.done
.blocks:
	inc	word [bp + F_BX]
.done:
	mov	ax, VBE_OK
.return:
	ret

; AX=4F05: window BL=0: BH=00 at DX * 64 KiB, BH=01 DX = where.
vbe_bank:
	mov	ax, [bp + F_BX]
	mov	cx, VBE_FAILED
	test	al, al
	jnz	.return
	cmp	ah, 1
	ja	.return
	je	.get
	call	vbe_memory
	cmp	dx, cx
	mov	cx, VBE_FAILED
	jae	.return
	mov	cx, dx
	mov	al, DISPI_BANK
	call	dispi_write
	mov	cx, VBE_OK
	jmp	.return
.get:
	mov	al, DISPI_BANK
	call	dispi_read
	mov	[bp + F_DX], ax
	mov	cx, VBE_OK
.return:
	mov	ax, cx
	ret

; The same by a far call, which need not keep AX and DX.
vbe_bank_call:
	test	bx, 0x00ff
	jnz	.return
	test	bh, bh
	jnz	.get
	push	cx
	mov	cx, dx
	mov	al, DISPI_BANK
	call	dispi_write
	pop	cx
	retf
.get:
	mov	al, DISPI_BANK
	call	dispi_read
	mov	dx, ax
.return:
	retf

; AX=4F06: BL=00 a line of CX pixels, 02 of CX bytes, 01 as it is, 03 the longest: BX = bytes,
; CX = pixels, DX = lines that fit.
vbe_line_length:
	mov	cx, [BDA_VBE_MODE]
	call	vbe_find
	jc	.failed
	mov	bl, [bp + F_BL]
	cmp	bl, 3
	ja	.failed
	je	.longest
	cmp	bl, 1
	je	.answer
	movzx	ecx, word [bp + F_CX]
	jb	.set
	call	.to_pixels
	jmp	.set
.longest:
	mov	ecx, 0xfff8
	mov	al, DISPI_VIRT_WIDTH
	call	dispi_read
	push	ax
	call	dispi_set_width
	call	.report
	pop	cx
	call	dispi_set_width
	mov	ax, VBE_OK
	ret
.set:
	cmp	cx, [cs:si + vbe_mode.width]
	jb	.failed
	call	dispi_set_width
.answer:
	call	.report
	mov	ax, VBE_OK
	ret
.failed:
	mov	ax, VBE_FAILED
	ret
.to_pixels:				; ECX bytes of a line -> pixels
	movzx	eax, word [cs:si + vbe_mode.bpp]
	cmp	al, 4
	jne	.packed
	shl	ecx, 3
	ret
.packed:
	add	ax, 7
	shr	ax, 3
	xchg	eax, ecx
	xor	edx, edx
	div	ecx
	mov	ecx, eax
	ret
.report:
	mov	al, DISPI_VIRT_HEIGHT
	call	dispi_read
	mov	[bp + F_DX], ax
	mov	al, DISPI_VIRT_WIDTH
	call	dispi_read
	mov	[bp + F_CX], ax
	mov	cx, [cs:si + vbe_mode.bpp]
	cmp	cl, 4
	jne	.bytes
	shr	ax, 3
	jmp	.store
.bytes:
	add	cx, 7
	shr	cx, 3
	mul	cx
.store:
	mov	[bp + F_BX], ax
	ret

; Virtual width = CX pixels.
dispi_set_width:
	mov	al, DISPI_VIRT_WIDTH
	jmp	dispi_write

; AX=4F07: BL=00, 80: the picture begins at pixel CX of line DX; 01: where it does.
vbe_start:
	cmp	word [BDA_VBE_MODE], 0
	je	.failed
	mov	bl, [bp + F_BL]
	cmp	bl, 1
	je	.get
	and	bl, 0x7f
	jnz	.failed
	mov	al, DISPI_X
	call	dispi_write
	mov	cx, dx
	mov	al, DISPI_Y
	call	dispi_write
	mov	ax, VBE_OK
	ret
.get:
	mov	byte [bp + F_BH], 0
	mov	al, DISPI_X
	call	dispi_read
	mov	[bp + F_CX], ax
	mov	al, DISPI_Y
	call	dispi_read
	mov	[bp + F_DX], ax
	mov	ax, VBE_OK
	ret
.failed:
	mov	ax, VBE_FAILED
	ret

; AX=4F08: BL=00: BH bits a DAC colour wanted; BL=01: as it is. BH = bits.
vbe_dac_width:
	mov	al, DISPI_ENABLE
	call	dispi_read
	mov	bl, [bp + F_BL]
	cmp	bl, 1
	ja	.failed
	je	.get
	and	ax, ~DISPI_8BIT_DAC & 0xffff
	cmp	byte [bp + F_BH], 8
	jb	.six
	or	al, DISPI_8BIT_DAC
.six:
	or	al, DISPI_NO_CLEAR
	mov	cx, ax
	mov	al, DISPI_ENABLE
	call	dispi_write
	mov	ax, cx
.get:
	mov	byte [bp + F_BH], 6
	test	al, DISPI_8BIT_DAC
	jz	.done
	mov	byte [bp + F_BH], 8
.done:
	mov	ax, VBE_OK
	ret
.failed:
	mov	ax, VBE_FAILED
	ret

; AX=4F09: BL=00, 80: CX DAC registers from DX on = entries (blue, green, red, 0) at ES:DI;
; 01: the other way.
vbe_palette:
	mov	ax, VBE_FAILED
	mov	es, [bp + F_ES]
	mov	di, [bp + F_DI]
	mov	bl, [bp + F_BL]
	cmp	cx, 256
	ja	.return
	cmp	dx, 255
	ja	.return
	mov	al, dl
	cmp	bl, 1
	je	.get
	and	bl, 0x7f
	mov	ax, VBE_FAILED
	jnz	.return
	jcxz	.done
	mov	al, dl
	mov	dx, VGA_DAC_WRITE
	out	dx, al
	inc	dx
.set:
	mov	al, [es:di + 2]
	out	dx, al
	mov	al, [es:di + 1]
	out	dx, al
	mov	al, [es:di]
	out	dx, al
	add	di, 4
	loop	.set
.done:
	mov	ax, VBE_OK
.return:
	ret
.get:
	jcxz	.done
	mov	dx, VGA_DAC_READ
	out	dx, al
	mov	dx, VGA_DAC_DATA
.read:
	in	al, dx
	mov	[es:di + 2], al
	in	al, dx
	mov	[es:di + 1], al
	in	al, dx
	mov	[es:di], al
	mov	byte [es:di + 3], 0
	add	di, 4
	loop	.read
	jmp	.done

; AX=4F0A: there is no protected mode interface.
vbe_protected:
	mov	ax, VBE_FAILED
	ret
