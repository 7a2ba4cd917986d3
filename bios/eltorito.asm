; Booting from CD: the boot catalog, and the drives that are emulated from an image on the CD.
; "El Torito" Bootable CD-ROM Format Specification 1.0: section 2 (catalog), 3 (drives), 4
; (INT 13 AH=4A-4D). ISO 9660 volume descriptors: ECMA-119 section 8.
;
; NOT IMPLEMENTED: sections after the default entry (no boot menu); writes to emulated drives.

SCRATCH			equ	0x7e00	; a 2048-byte block at 0:7E00 while booting

BOOT_RECORD_BLOCK	equ	17
CATALOG_POINTER		equ	0x47	; in the boot record
CATALOG_ENTRY		equ	0x20	; the default entry, after the validation entry

; Reads CX blocks of 2048 bytes from EAX on to linear EDX, from CD drive DI. AH = status.
cd_read_blocks:
	mov	[fs:REQ + req.lba], eax
	mov	[fs:REQ + req.linear], edx
	movzx	ecx, cx
	shl	ecx, 11
	mov	[fs:REQ + req.bytes], ecx
	mov	word [fs:REQ + req.skip], 0
	jmp	atapi_read

; Boots CD number DL (0: the first). Comes back, CF set, SI = why not, when it cannot.
; Uses DS = BDA, FS = EBDA.
cd_boot:
	mov	[fs:EBDA_EMU + emu.cd], dl
	mov	si, EBDA_CD_MAP
	call	drive_pointer
	mov	eax, BOOT_RECORD_BLOCK
	call	.scratch
	mov	si, .no_disc
	jnz	.fail
	push	ds
	push	0
	pop	ds
	mov	si, .not_bootable
	cmp	dword [SCRATCH], "CD0" << 8	; type 0, CD001
	jne	.fail_ds
	cmp	dword [SCRATCH + 7], "EL T"
	jne	.fail_ds
	cmp	dword [SCRATCH + 11], "ORIT"
	jne	.fail_ds
	mov	eax, [SCRATCH + CATALOG_POINTER]
	pop	ds
	mov	[fs:EBDA_CATALOG], eax
	call	.scratch
	mov	si, .unreadable
	jnz	.fail
	push	ds
	push	0
	pop	ds
	mov	si, .bad_catalog
	cmp	byte [SCRATCH], 1
	jne	.fail_ds
	cmp	word [SCRATCH + 30], 0xaa55
	jne	.fail_ds
	mov	si, .not_bootable
	cmp	byte [SCRATCH + CATALOG_ENTRY], 0x88
	jne	.fail_ds
	call	.take_entry
	pop	ds
	call	emu_setup
	mov	si, .bad_catalog
	jc	.fail
	call	emu_load
	mov	si, .unreadable
	jc	.fail
	PRINT	"booting", 13, 10
	jmp	emu_jump
.fail_ds:
	pop	ds
.fail:
	mov	byte [fs:EBDA_EMU + emu.active], 0
	stc
	ret
.scratch:				; block EAX to SCRATCH; ZF clear on an error
	mov	edx, SCRATCH
	mov	cx, 1
	call	cd_read_blocks
	test	ah, ah
	ret
.take_entry:				; the default entry at SCRATCH -> struc emu
	mov	bx, SCRATCH + CATALOG_ENTRY
	mov	byte [fs:EBDA_EMU + emu.packet_size], 0x13
	mov	al, [bx + 1]
	and	al, 15
	mov	[fs:EBDA_EMU + emu.media], al
	mov	ax, [bx + 2]
	test	ax, ax
	jnz	.segment
	mov	ax, 0x07c0
.segment:
	mov	[fs:EBDA_EMU + emu.load_seg], ax
	mov	ax, [bx + 6]
	mov	[fs:EBDA_EMU + emu.load_count], ax
	mov	eax, [bx + 8]
	mov	[fs:EBDA_EMU + emu.lba], eax
	mov	word [fs:EBDA_EMU + emu.buffer], 0
	mov	al, [fs:di + drive.select]
	shr	al, 4
	and	ax, 1			; device: master or slave
	mov	[fs:EBDA_EMU + emu.device], ax
	cmp	word [fs:di + drive.base], 0x1f0
	setne	[fs:EBDA_EMU + emu.controller]
	ret
.no_disc:	db	"no disc in the drive", 0
.not_bootable:	db	"not a bootable disc", 0
.bad_catalog:	db	"boot catalog is damaged", 0
.unreadable:	db	"boot image cannot be read", 0

; From struc emu's media: drive number, geometry, and for hard disks a look at the image's
; partition table. CF set when that is no medium we know.
emu_setup:
	mov	byte [fs:EBDA_EMU + emu.active], 0
	movzx	bx, byte [fs:EBDA_EMU + emu.media]
	and	bl, 15
	jz	.none
	cmp	bl, 4
	je	.hard_disk
	ja	.unknown
	mov	byte [fs:EBDA_EMU + emu.drive], 0
	mov	word [fs:EBDA_EMU + emu.cylinders], 80
	mov	word [fs:EBDA_EMU + emu.heads], 2
	movzx	ax, byte [cs:.spt + bx]
	mov	[fs:EBDA_EMU + emu.spt], ax
	mov	byte [fs:EBDA_EMU + emu.active], 1
	mov	al, [BDA_EQUIPMENT]	; one floppy drive more
	test	al, 1
	jz	.first_floppy
	add	al, 0x40
.first_floppy:
	or	al, 1
	mov	[BDA_EQUIPMENT], al
	jmp	.chs
.none:
	mov	al, CD_FIRST
	add	al, [fs:EBDA_EMU + emu.cd]
	mov	[fs:EBDA_EMU + emu.drive], al
	clc
	ret
.hard_disk:
	mov	byte [fs:EBDA_EMU + emu.drive], 0x80
	mov	eax, [fs:EBDA_EMU + emu.lba]
	mov	edx, SCRATCH
	mov	cx, 1
	call	cd_read_blocks
	test	ah, ah
	jnz	.unknown
	push	ds
	push	0
	pop	ds
	mov	al, [SCRATCH + 0x1be + 5]	; where the first partition ends: head, CL, CH
	mov	cx, [SCRATCH + 0x1be + 6]
	pop	ds
	movzx	ax, al
	inc	ax
	mov	[fs:EBDA_EMU + emu.heads], ax
	mov	ax, cx
	and	ax, 0x3f
	jz	.unknown
	mov	[fs:EBDA_EMU + emu.spt], ax
	xchg	cl, ch
	shr	ch, 6
	inc	cx
	mov	[fs:EBDA_EMU + emu.cylinders], cx
	mov	byte [fs:EBDA_EMU + emu.active], 1
	inc	byte [BDA_HD_COUNT]
.chs:					; the same as AH=08 says it
	mov	cx, [fs:EBDA_EMU + emu.cylinders]
	dec	cx
	xchg	cl, ch
	shl	cl, 6
	or	cl, [fs:EBDA_EMU + emu.spt]
	mov	[fs:EBDA_EMU + emu.chs], ch
	mov	[fs:EBDA_EMU + emu.chs + 1], cl
	mov	al, [fs:EBDA_EMU + emu.heads]
	dec	al
	mov	[fs:EBDA_EMU + emu.chs + 2], al
	clc
	ret
.unknown:
	stc
	ret
.spt:	db	0, 15, 18, 36

; Loads what the catalog says to the load segment. CF set when it cannot be read.
emu_load:
	movzx	edx, word [fs:EBDA_EMU + emu.load_seg]
	shl	edx, 4
	movzx	ecx, word [fs:EBDA_EMU + emu.load_count]
	test	cx, cx
	jnz	.count
	inc	cx
.count:
	shl	ecx, 9
	movzx	eax, word [BDA_MEM_KB]	; no further than conventional memory goes
	shl	eax, 10
	sub	eax, edx
	jbe	.bad
	cmp	ecx, eax
	jbe	.fits
	mov	ecx, eax
.fits:
	mov	[fs:REQ + req.linear], edx
	mov	[fs:REQ + req.bytes], ecx
	mov	word [fs:REQ + req.skip], 0
	mov	eax, [fs:EBDA_EMU + emu.lba]
	mov	[fs:REQ + req.lba], eax
	call	atapi_read
	cmp	ah, 1			; CF set when AH is 0
	cmc
	ret
.bad:
	stc
	ret

; Starts the loaded image.
emu_jump:
	mov	ax, [fs:EBDA_EMU + emu.load_seg]
	mov	dl, [fs:EBDA_EMU + emu.drive]
	jmp	boot_jump

; INT 13 for the emulated drive. Reads come from the CD, 512 bytes at a time.
emu_int13:
	mov	al, [fs:EBDA_EMU + emu.cd]
	push	ax
	mov	dl, al
	mov	si, EBDA_CD_MAP
	call	drive_pointer
	pop	ax
	mov	si, emu_table
	mov	bl, [bp + F_AH]
.next:
	mov	al, [cs:si]
	cmp	al, bl
	je	.found
	add	si, 3
	cmp	al, 0xff
	jne	.next
	mov	ah, DISK_BAD_COMMAND
	jmp	int13_return
.found:
	call	[cs:si + 1]
	jmp	int13_return

%macro EMU 2
	db	%1
	dw	%2
%endmacro
emu_table:
	EMU	0x00, disk_nothing
	EMU	0x01, disk_status
	EMU	0x02, emu_read
	EMU	0x03, emu_write
	EMU	0x04, emu_verify
	EMU	0x05, emu_write
	EMU	0x08, emu_parameters
	EMU	0x09, disk_nothing
	EMU	0x0c, disk_nothing
	EMU	0x0d, disk_nothing
	EMU	0x10, disk_nothing
	EMU	0x11, disk_nothing
	EMU	0x15, emu_type
	EMU	0x16, disk_nothing
	EMU	0x4a, emu_start
	EMU	0x4b, emu_status
	EMU	0x4c, emu_start
	EMU	0x4d, emu_catalog
	db	0xff

emu_write:
	mov	ah, DISK_PROTECTED
	ret

; EAX = the 512-byte block of the caller's CHS; CF set when the drive has none there.
emu_block:
	movzx	eax, byte [bp + F_CL]
	mov	ecx, eax
	and	cx, 0x3f
	jz	.outside
	cmp	cx, [fs:EBDA_EMU + emu.spt]
	ja	.outside
	shl	ax, 2
	mov	al, [bp + F_CH]
	cmp	ax, [fs:EBDA_EMU + emu.cylinders]
	jae	.outside
	movzx	edx, byte [bp + F_DH]
	cmp	dx, [fs:EBDA_EMU + emu.heads]
	jae	.outside
	movzx	ebx, word [fs:EBDA_EMU + emu.heads]
	imul	eax, ebx
	add	eax, edx
	movzx	ebx, word [fs:EBDA_EMU + emu.spt]
	imul	eax, ebx
	dec	cx
	add	eax, ecx
	clc
	ret
.outside:
	stc
	ret

emu_verify:
	call	emu_block
	mov	ah, DISK_OK
	jnc	.return
	mov	ah, DISK_NOT_FOUND
.return:
	ret

emu_read:
	cmp	byte [bp + F_AL], 0
	je	disk_bad
	call	emu_block
	mov	bl, [bp + F_AL]
	mov	byte [bp + F_AL], 0
	mov	dx, ax
	mov	ah, DISK_NOT_FOUND
	jc	.return
	mov	ax, dx
	push	bx
	mov	edx, eax
	and	dx, 3
	shl	dx, 9
	mov	[fs:REQ + req.skip], dx
	shr	eax, 2
	add	eax, [fs:EBDA_EMU + emu.lba]
	mov	[fs:REQ + req.lba], eax
	movzx	ecx, bl
	shl	ecx, 9
	mov	[fs:REQ + req.bytes], ecx
	movzx	eax, word [bp + F_ES]
	shl	eax, 4
	movzx	edx, word [bp + F_BX]
	add	eax, edx
	mov	[fs:REQ + req.linear], eax
	call	atapi_read
	pop	bx
	test	ah, ah
	jnz	.return
	mov	[bp + F_AL], bl
.return:
	ret

emu_parameters:
	mov	al, [fs:EBDA_EMU + emu.chs]
	mov	[bp + F_CH], al
	mov	al, [fs:EBDA_EMU + emu.chs + 1]
	mov	[bp + F_CL], al
	mov	al, [fs:EBDA_EMU + emu.chs + 2]
	mov	[bp + F_DH], al
	mov	al, [BDA_HD_COUNT]
	cmp	byte [fs:EBDA_EMU + emu.drive], 0x80
	je	.count
	mov	al, [BDA_EQUIPMENT]
	shr	al, 6
	inc	ax
	push	ax
	mov	bl, [fs:EBDA_EMU + emu.media]	; 1, 2, 3 -> 2, 4, 5
	inc	bx
	cmp	bl, 2
	je	.type
	inc	bx
.type:
	mov	byte [bp + F_BH], 0
	mov	[bp + F_BL], bl
	movzx	bx, bl
	imul	bx, bx, DPT_LENGTH
	add	bx, floppy_tables - DPT_LENGTH
	mov	[bp + F_DI], bx
	mov	[bp + F_ES], cs
	pop	ax
.count:
	mov	[bp + F_DL], al
	mov	byte [bp + F_AL], 0
	mov	ah, DISK_OK
	ret

emu_type:
	mov	byte [bp + F_AH], 1	; a floppy that does not tell of changes
	cmp	byte [fs:EBDA_EMU + emu.drive], 0x80
	jne	.answer
	mov	byte [bp + F_AH], 3
	movzx	eax, word [fs:EBDA_EMU + emu.cylinders]
	movzx	ecx, word [fs:EBDA_EMU + emu.heads]
	imul	eax, ecx
	movzx	ecx, word [fs:EBDA_EMU + emu.spt]
	imul	eax, ecx
	mov	[bp + F_DX], ax
	shr	eax, 16
	mov	[bp + F_CX], ax
.answer:
	CLEAR_C
	mov	ah, DISK_KEEP
	ret

; AH=4B: the specification packet to DS:SI; AL=00 also ends the emulation.
emu_status:
	push	es
	push	di
	mov	es, [bp + F_DS]
	mov	di, [bp + F_SI]
	mov	si, EBDA_EMU
	mov	cx, 0x13
	rep fs movsb
	pop	di
	pop	es
	mov	ah, DISK_BAD_COMMAND	; nothing was booted from CD: nothing to tell
	cmp	byte [fs:EBDA_EMU + emu.packet_size], 0
	je	.return
	mov	ah, DISK_OK
	cmp	byte [bp + F_AL], 0
	jne	.return
	xchg	[fs:EBDA_EMU + emu.active], ah
	test	ah, ah
	mov	ah, DISK_OK
	jz	.return
	cmp	byte [fs:EBDA_EMU + emu.drive], 0x80
	jne	.return
	dec	byte [BDA_HD_COUNT]
.return:
	ret

; AH=4A, 4C: emulates as the packet at DS:SI says; 4C boots it as well.
emu_start:
	mov	ah, DISK_BAD_COMMAND
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	.return
	cmp	byte [fs:EBDA_EMU + emu.active], 0
	jne	.return
	push	ds
	push	es
	push	di
	mov	ds, [bp + F_DS]
	mov	si, [bp + F_SI]
	push	fs
	pop	es
	mov	di, EBDA_EMU
	mov	cx, 0x13
	rep movsb
	pop	di
	pop	es
	pop	ds
	cmp	word [fs:EBDA_EMU + emu.load_seg], 0
	jne	.segment
	mov	word [fs:EBDA_EMU + emu.load_seg], 0x07c0
.segment:
	call	emu_setup
	mov	ah, DISK_BAD_COMMAND
	jc	.return
	cmp	byte [bp + F_AH], 0x4c
	mov	ah, DISK_OK
	jne	.return
	call	emu_load
	jnc	emu_jump
	mov	ah, DISK_NOT_FOUND
.return:
	ret

; AH=4D: packet at DS:SI: size, count of 2048-byte blocks, far buffer, first block.
emu_catalog:
	mov	ah, DISK_BAD_COMMAND
	cmp	dword [fs:EBDA_CATALOG], 0
	je	.return
	push	ds
	mov	ds, [bp + F_DS]
	mov	si, [bp + F_SI]
	movzx	cx, byte [si + 1]
	movzx	edx, word [si + 4]
	shl	edx, 4
	movzx	eax, word [si + 2]
	add	edx, eax
	movzx	eax, word [si + 6]
	pop	ds
	add	eax, [fs:EBDA_CATALOG]
	call	cd_read_blocks
.return:
	ret
