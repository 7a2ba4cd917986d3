; The video BIOS of Umbra86: 32 KiB at C0000, an option ROM that takes INT 10. This file is
; the map of the image and the dispatcher; the services are in vid_*.asm and vbe.asm.
; IBM PS/2 and PC BIOS Interface Technical Reference, INT 10; VESA BIOS Extension 2.0.
;
; NOT IMPLEMENTED: the light pen (AH=04), the EGA register interface (AH=F0-F7), text and
; pixels of INT 10 in VESA modes, the protected mode interface of VBE (AX=4F0A says so).

	cpu	386
	org	0
	bits	16

%include "defs.inc"

; ---- VGA ports -----------------------------------------------------------------------
VGA_ATC			equ	0x3c0	; index and data
VGA_ATC_READ		equ	0x3c1
VGA_MISC		equ	0x3c2
VGA_SEQ			equ	0x3c4
VGA_DAC_MASK		equ	0x3c6
VGA_DAC_READ		equ	0x3c7
VGA_DAC_WRITE		equ	0x3c8
VGA_DAC_DATA		equ	0x3c9
VGA_MISC_READ		equ	0x3cc
VGA_GDC			equ	0x3ce
VGA_CRTC		equ	0x3d4
VGA_STATUS		equ	0x3da
DISPI_INDEX		equ	0x1ce	; Bochs VBE
DISPI_DATA		equ	0x1cf

ROM_SIZE		equ	0x8000

	db	0x55, 0xaa, ROM_SIZE / 512
	jmp	near video_init
	times	0x1e - ($ - $$) db 0
	db	"IBM VGA compatible: Umbra86 video BIOS", 0

%include "vid_tables.asm"
%include "vid_mode.asm"
%include "vid_text.asm"
%include "vid_graphics.asm"
%include "vid_pixels.asm"
%include "vid_palette.asm"
%include "vid_font.asm"
%include "vid_misc.asm"
%include "vbe_modes.asm"
%include "vbe.asm"

; Option ROM entry: takes the vectors and sets mode 3.
video_init:
	push	ds
	push	0
	pop	ds
	mov	ax, [0x10 * 4]		; what was INT 10 becomes INT 42
	mov	[0x42 * 4], ax
	mov	ax, [0x10 * 4 + 2]
	mov	[0x42 * 4 + 2], ax
	mov	word [0x10 * 4], int10
	mov	[0x10 * 4 + 2], cs
	mov	word [0x6d * 4], int10	; where VGA BIOSes keep a second way in
	mov	[0x6d * 4 + 2], cs
	mov	word [0x1f * 4], font_8 + 128 * 8
	mov	[0x1f * 4 + 2], cs
	mov	word [0x43 * 4], font_8
	mov	[0x43 * 4 + 2], cs
	push	BDA_SEG
	pop	ds
	mov	byte [BDA_VID_INFO], 0x60	; 256 KiB, cursor emulation on
	mov	byte [BDA_VID_SWITCHES], 0xf9
	mov	byte [BDA_VID_FLAGS], 0x11	; 400 lines, VGA active
	mov	byte [BDA_VID_DCC], 0x08	; colour VGA
	mov	word [BDA_VID_SAVE_TABLE], save_table
	mov	[BDA_VID_SAVE_TABLE + 2], cs
	pop	ds
	mov	ax, 0x0003
	int	0x10
	retf

; The save pointer table; only the parameter table is ours to give.
save_table:
	dw	video_params, 0xc000
	dd	0			; dynamic save area
	dd	0			; text and graphics character sets
	dd	0
	dw	save_table_2, 0xc000
	dd	0, 0
save_table_2:
	dw	26
	dw	dcc_table, 0xc000
	dd	0, 0, 0, 0, 0
dcc_table:				; display combinations, by BDA_VID_DCC
	db	16, 1, 8, 0
	dw	0x0000, 0x0100, 0x0200, 0x0102, 0x0400, 0x0104, 0x0500, 0x0502
	dw	0x0800, 0x0801, 0x0700, 0x0702, 0x0600, 0x0601, 0x0605, 0x0800

int10:
	INT_ENTER
	push	fs
	movzx	bx, ah
	cmp	bl, (int10_table.end - int10_table) / 2
	jae	.vesa
	shl	bx, 1
	call	[cs:int10_table + bx]
	jmp	.leave
.vesa:
	cmp	bl, 0x4f
	jne	.leave
	call	vbe_service
.leave:
	pop	fs
	INT_LEAVE

; Every service is called with the caller's AX, CX and DX as they came, BX lost, BP = frame,
; DS = BDA, and may change every register but BP, GS, SS and SP.
int10_table:
	dw	set_mode, cursor_shape, cursor_set, cursor_get
	dw	light_pen, page_set, scroll_up, scroll_down
	dw	char_read, char_write, char_write_only, cga_palette
	dw	pixel_write, pixel_read, teletype, mode_get
	dw	palette_service, font_service, select_service, string_write
	dw	nothing, nothing, nothing, nothing
	dw	nothing, nothing, combination_service, state_service
	dw	save_service
.end:

nothing:
	ret

; AH=04: no light pen.
light_pen:
	mov	byte [bp + F_AH], 0
	ret

font_16:
	incbin	FONT_FILE, 0, 256 * 16
font_14:
	incbin	FONT_FILE, 256 * 16, 256 * 14
font_8:
	incbin	FONT_FILE, 256 * 16 + 256 * 14, 256 * 8

	times	ROM_SIZE - 1 - ($ - $$) db 0
	db	0			; set by tools/embed.py so that all bytes sum to zero
