; The VESA modes, and the Bochs DISPI registers (01CE index, 01CF data) that set them up.
; Interface: Bochs' documentation of its VBE extension, versions B0C0 to B0C5.

DISPI_ID		equ	0
DISPI_XRES		equ	1
DISPI_YRES		equ	2
DISPI_BPP		equ	3
DISPI_ENABLE		equ	4
DISPI_BANK		equ	5
DISPI_VIRT_WIDTH	equ	6
DISPI_VIRT_HEIGHT	equ	7
DISPI_X			equ	8
DISPI_Y			equ	9
DISPI_MEMORY		equ	10		; 64 KiB units
DISPI_ENABLED		equ	0x01
DISPI_GETCAPS		equ	0x02
DISPI_8BIT_DAC		equ	0x20
DISPI_LFB		equ	0x40
DISPI_NO_CLEAR		equ	0x80

struc vbe_mode
.number:	resw	1
.width:		resw	1
.height:	resw	1
.bpp:		resw	1
endstruc

vbe_modes:
	dw	0x100, 640, 400, 8
	dw	0x101, 640, 480, 8
	dw	0x102, 800, 600, 4
	dw	0x103, 800, 600, 8
	dw	0x104, 1024, 768, 4
	dw	0x105, 1024, 768, 8
	dw	0x107, 1280, 1024, 8
	dw	0x10d, 320, 200, 15
	dw	0x10e, 320, 200, 16
	dw	0x10f, 320, 200, 24
	dw	0x110, 640, 480, 15
	dw	0x111, 640, 480, 16
	dw	0x112, 640, 480, 24
	dw	0x113, 800, 600, 15
	dw	0x114, 800, 600, 16
	dw	0x115, 800, 600, 24
	dw	0x116, 1024, 768, 15
	dw	0x117, 1024, 768, 16
	dw	0x118, 1024, 768, 24
	dw	0x119, 1280, 1024, 15
	dw	0x11a, 1280, 1024, 16
	dw	0x11b, 1280, 1024, 24
	dw	0x140, 320, 200, 32	; numbers of makers are from 120 on
	dw	0x141, 640, 400, 32
	dw	0x142, 640, 480, 32
	dw	0x143, 800, 600, 32
	dw	0x144, 1024, 768, 32
	dw	0x145, 1280, 1024, 32
	dw	0

; AX = DISPI register AL. Keeps the rest.
dispi_read:
	push	dx
	mov	dx, DISPI_INDEX
	mov	ah, 0
	out	dx, ax
	inc	dx
	in	ax, dx
	pop	dx
	ret

; DISPI register AL = CX. Keeps all.
dispi_write:
	push	ax
	push	dx
	mov	dx, DISPI_INDEX
	mov	ah, 0
	out	dx, ax
	inc	dx
	mov	ax, cx
	out	dx, ax
	pop	dx
	pop	ax
	ret

; CF set when there is no DISPI. Keeps all registers.
dispi_present:
	push	ax
	mov	al, DISPI_ID
	call	dispi_read
	cmp	ah, 0xb0
	je	.yes
	stc
	jmp	.done
.yes:
	cmp	al, 0xc0
.done:
	pop	ax
	ret

; Back to plain VGA: what every mode set begins with. Keeps all registers.
vbe_disable:
	mov	word [BDA_VBE_MODE], 0
	call	dispi_present
	jc	.return
	push	ax
	push	cx
	mov	al, DISPI_ENABLE
	xor	cx, cx
	call	dispi_write
	pop	cx
	pop	ax
.return:
	ret

; SI = row of vbe_modes for mode CX; CF set when there is none that fits the display.
vbe_find:
	push	cx
	and	cx, 0x01ff
	mov	si, vbe_modes
.next:
	cmp	word [cs:si], 0
	je	.none
	cmp	[cs:si], cx
	je	.found
	add	si, vbe_mode_size
	jmp	.next
.found:
	pop	cx
	jmp	vbe_fits
.none:
	pop	cx
	stc
	ret

; CF clear when the mode of row SI fits the DISPI's limits and memory. Keeps all registers.
vbe_fits:
	pushad
	mov	al, DISPI_ENABLE
	call	dispi_read
	push	ax
	mov	cx, ax
	or	cl, DISPI_GETCAPS
	mov	al, DISPI_ENABLE
	call	dispi_write
	mov	al, DISPI_XRES
	call	dispi_read
	mov	bx, ax
	mov	al, DISPI_YRES
	call	dispi_read
	mov	di, ax
	mov	al, DISPI_BPP
	call	dispi_read
	pop	cx
	push	ax
	mov	al, DISPI_ENABLE
	call	dispi_write
	pop	ax
	cmp	bx, [cs:si + vbe_mode.width]
	jb	.no
	cmp	di, [cs:si + vbe_mode.height]
	jb	.no
	cmp	ax, [cs:si + vbe_mode.bpp]
	jb	.no
	call	vbe_pitch
	mul	word [cs:si + vbe_mode.height]
	call	vbe_memory
	cmp	cx, dx
	ja	.yes
	jb	.no
	test	ax, ax
	jz	.yes
.no:
	popad
	stc
	ret
.yes:
	popad
	clc
	ret

; CX = 64 KiB units of display memory.
vbe_memory:
	push	ax
	mov	al, DISPI_MEMORY
	call	dispi_read
	test	ax, ax
	jnz	.known
	mov	ax, 64			; interfaces before B0C4 do not say: 4 MiB
.known:
	mov	cx, ax
	pop	ax
	ret

; AX = bytes of a line of the mode of row SI. 4 bits: of one plane.
vbe_pitch:
	push	cx
	push	dx
	mov	ax, [cs:si + vbe_mode.width]
	mov	cx, [cs:si + vbe_mode.bpp]
	cmp	cl, 4
	jne	.packed
	shr	ax, 3
	jmp	.done
.packed:
	add	cl, 7
	shr	cl, 3
	mul	cx
.done:
	pop	dx
	pop	cx
	ret
