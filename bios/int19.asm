; INT 19: boot. INT 18: nothing to boot. The order of devices is in CMOS 3D and 38, as in
; QEMU: 1 floppy, 2 hard disk, 3 CD. BIOS Boot Specification 1.01, section 6 for what the
; boot code may expect: DL = drive, 0000:7C00, ES:DI at no PnP structure.

BOOT_FLOPPY		equ	1
BOOT_DISK		equ	2
BOOT_CD			equ	3

; The boot order to BDA_BOOT_ORDER; without any it is floppy, hard disk, CD.
read_boot_order:
	mov	al, CMOS_BOOT12
	call	cmos_read
	mov	ah, al
	and	al, 15
	shr	ah, 4
	mov	[BDA_BOOT_ORDER], ax
	mov	cx, ax
	mov	al, CMOS_BOOT3
	call	cmos_read
	shr	al, 4
	mov	[BDA_BOOT_ORDER + 2], al
	or	al, cl
	or	al, ch
	jnz	.known
	mov	word [BDA_BOOT_ORDER], BOOT_FLOPPY | BOOT_DISK << 8
	mov	byte [BDA_BOOT_ORDER + 2], BOOT_CD
.known:
	ret

int19:
	cli
	cld
	xor	ax, ax
	mov	ss, ax
	mov	sp, 0x7c00
	push	BDA_SEG
	pop	ds
	mov	fs, [BDA_EBDA]
	sti
	mov	bx, 0
.next:
	movzx	si, byte [BDA_BOOT_ORDER + bx]
	cmp	si, BOOT_CD
	ja	.skip
	push	bx
	shl	si, 1
	call	[cs:.try + si]
	push	BDA_SEG
	pop	ds
	pop	bx
.skip:
	inc	bx
	cmp	bx, 3
	jb	.next
	int	0x18
.try:	dw	.nothing, boot_floppy, boot_disk, boot_cd
.nothing:
	ret

; Each of these comes back only when it could not boot, having said why.
boot_floppy:
	test	byte [BDA_EQUIPMENT], 1
	jz	.none
	PRINT	"Floppy: "
	mov	dl, 0
	call	boot_read
	mov	si, boot_no_medium
	jc	boot_failed
	call	boot_blank
	mov	si, boot_not_bootable
	je	boot_failed
	mov	dl, 0
	jmp	boot_sector
.none:
	PRINT	"Floppy: no drive", 13, 10
	ret

boot_disk:
	cmp	byte [BDA_HD_COUNT], 0
	je	.none
	PRINT	"Hard disk: "
	mov	dl, 0x80
	call	boot_read
	mov	si, boot_unreadable
	jc	boot_failed
	push	0
	pop	es
	cmp	word [es:0x7dfe], 0xaa55
	mov	si, boot_not_bootable
	jne	boot_failed
	mov	dl, 0x80
	jmp	boot_sector
.none:
	PRINT	"Hard disk: none", 13, 10
	ret

boot_cd:
	mov	cl, [fs:EBDA_CDS]
	mov	dl, 0
	test	cl, cl
	jnz	.next
	PRINT	"CD: no drive", 13, 10
	ret
.next:
	push	cx
	push	dx
	PRINT	"CD: "
	call	cd_boot
	call	boot_failed
	pop	dx
	pop	cx
	inc	dx
	cmp	dl, cl
	jb	.next
	ret

boot_failed:
	call	print
	PRINT	13, 10
	ret
boot_no_medium:		db	"no disk in the drive", 0
boot_unreadable:	db	"cannot be read", 0
boot_not_bootable:	db	"not bootable", 0

; The first sector of drive DL to 0:7C00. CF set when it cannot be read.
boot_read:
	mov	cx, 4
.again:
	push	cx
	push	0
	pop	es
	mov	bx, 0x7c00
	mov	cx, 1
	mov	dh, 0
	mov	ax, 0x0201
	int	0x13
	pop	cx
	jnc	.done
	mov	ah, 0
	int	0x13
	loop	.again
	stc
.done:
	ret

; ZF set when all words of the sector are alike: never written, or erased.
boot_blank:
	push	0
	pop	es
	mov	di, 0x7c00
	mov	cx, 256
	mov	ax, [es:di]
	repe scasw
	ret

boot_sector:
	PRINT	"booting", 13, 10
	mov	ax, 0x07c0

; Enters boot code at segment AX (7C0 as 0:7C00) with drive DL.
boot_jump:
	xor	bx, bx
	cmp	ax, 0x07c0
	jne	.segment
	xor	ax, ax
	mov	bx, 0x7c00
.segment:
	cli
	xor	cx, cx
	mov	ss, cx
	mov	sp, 0x7c00
	mov	ds, cx
	mov	es, cx
	mov	fs, cx
	pushf
	pop	cx
	or	cx, 0x0200		; IF for the boot code
	push	cx
	push	ax
	push	bx
	movzx	edx, dl
	xor	eax, eax
	xor	ebx, ebx
	xor	ecx, ecx
	xor	esi, esi
	xor	edi, edi
	xor	ebp, ebp
	iret

; INT 18: boot code that gives up comes here too.
int18:
	cli
	xor	ax, ax
	mov	ss, ax
	mov	sp, 0x7c00
	sti
	PRINT	"Nothing to boot. Put a boot disk in and press a key.", 13, 10
	mov	ah, 0
	int	0x16
	jmp	reboot
