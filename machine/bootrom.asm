; The boot ROM of a machine that was given a kernel or a raw image. An option ROM: its init
; takes INT 19h, so the BIOS first sets up the machine and then asks us in place of a drive.
; The other end of the ports is machine/loader.c, which explains them.
; BBS 1.01 section 3.2 (option ROMs), ACPI 6.x 15.1 (INT 15 AX=E820).

	cpu	386
	bits	16
	org	0

LOADER			equ	0xfb00
E820_BUFFER		equ	0x600
E820_MAX		equ	64

	db	0x55, 0xaa, ROM_BYTES / 512
	jmp	init

init:
	push	ax
	push	ds
	xor	ax, ax
	mov	ds, ax
	mov	word [0x19 * 4], boot
	mov	[0x19 * 4 + 2], cs
	pop	ds
	pop	ax
	retf

boot:
	cld
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7c00
	sti

	; The BIOS's memory map, for those who cannot ask it themselves.
	xor	ebx, ebx
	xor	ebp, ebp			; entries
	mov	di, E820_BUFFER
.entry:
	mov	eax, 0xe820
	mov	edx, 0x534d4150			; "SMAP"
	mov	ecx, 20
	int	0x15
	jc	.map_done
	cmp	eax, 0x534d4150
	jne	.map_done
	inc	ebp
	add	di, 20
	test	ebx, ebx
	jz	.map_done
	cmp	bp, E820_MAX
	jb	.entry
.map_done:
	mov	dx, LOADER + 4
	mov	eax, ebp
	out	dx, eax
	cli

	; From here on nothing is pushed: the image may be placed over this stack.
	mov	dx, LOADER
	mov	al, 1
	out	dx, al
	in	al, dx
	cmp	al, 1
	je	.real
	cmp	al, 2
	je	.protected
	jmp	failed

.real:
	mov	dx, LOADER + 0x14
	in	eax, dx
	mov	sp, ax
	mov	dx, LOADER + 0x10
	in	eax, dx
	mov	ss, ax				; the stack is the kernel's now
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	dx, LOADER + 0x0c
	in	eax, dx
	push	ax
	mov	dx, LOADER + 0x08
	in	eax, dx
	push	ax
	retf

.protected:
	in	al, 0x92			; A20, should the BIOS have closed it
	or	al, 2
	and	al, 0xfe
	out	0x92, al
	mov	al, 0xff			; every IRQ masked: the vectors are the BIOS's
	out	0x21, al
	out	0xa1, al
	; The table and the target lie where the BIOS has put this ROM, so both need our segment.
	; They are written at 500h, which belongs to nobody.
	xor	eax, eax
	mov	ds, ax
	mov	ax, cs
	shl	eax, 4
	lea	ecx, [eax + gdt]
	mov	word [0x500], gdt_end - gdt - 1
	mov	[0x502], ecx
	lea	ecx, [eax + flat]
	mov	[0x508], ecx
	mov	word [0x50c], 0x08
	o32 lgdt [0x500]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword far [0x508]

	bits	32
flat:
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	mov	fs, eax
	mov	gs, eax
	mov	ss, eax
	mov	dx, LOADER + 0x08
	in	eax, dx
	mov	esi, eax
	mov	dx, LOADER + 0x10
	in	eax, dx
	mov	ebx, eax
	mov	dx, LOADER + 0x0c
	in	eax, dx
	jmp	esi

	bits	16
failed:
	mov	si, .text
.char:
	cs lodsb
	test	al, al
	jz	.stop
	mov	ah, 0x0e
	mov	bx, 7
	int	0x10
	jmp	.char
.stop:
	hlt
	jmp	.stop
.text:	db	"The kernel could not be placed in memory.", 13, 10, 0

	align	8
gdt:
	dq	0
	dq	0x00cf9b000000ffff		; 08: code, flat, 32 bits
	dq	0x00cf93000000ffff		; 10: data
gdt_end:

ROM_BYTES		equ	1024
	times	ROM_BYTES - 1 - ($ - $$) db 0
	db	0				; made by embed so that all bytes sum to zero
