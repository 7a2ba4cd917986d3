; POST: floppy, hard disk and CD drives. Fills the drive table in the EBDA.

init_floppies:
	push	fs
	mov	fs, [BDA_EBDA]
	mov	al, CMOS_FLOPPIES
	call	cmos_read
	xor	cl, cl
	test	al, 0xf0
	jz	.first
	inc	cl
.first:
	test	al, 0x0f
	jz	.second
	inc	cl
.second:
	test	cl, cl
	jz	.none
	dec	cl
	shl	cl, 6
	or	cl, 1
	or	[BDA_EQUIPMENT], cl
	call	fdc_reset
.none:
	pop	fs
	ret

; Asks the four places where an ATA drive can be.
init_drives:
	push	fs
	mov	fs, [BDA_EBDA]
	mov	di, EBDA_DRIVES
	mov	si, .places
.next:
	mov	dx, [cs:si]
	test	dx, dx
	jz	.done
	mov	[fs:di + drive.base], dx
	mov	ax, [cs:si + 2]
	mov	[fs:di + drive.control], ax
	mov	al, [cs:si + 4]
	mov	[fs:di + drive.select], al
	push	si
	call	probe_drive
	pop	si
	add	si, 5
	add	di, drive_size
	jmp	.next
.done:
	mov	al, [fs:EBDA_DISKS]
	mov	[BDA_HD_COUNT], al
	call	init_disk_tables
	pop	fs
	ret
.places:				; command block, control block, device
	dw	0x1f0, 0x3f6
	db	0xa0
	dw	0x1f0, 0x3f6
	db	0xb0
	dw	0x170, 0x376
	db	0xa0
	dw	0x170, 0x376
	db	0xb0
	dw	0

; Is there a drive at the place in struc drive DI? If so, completes the struc.
probe_drive:
	mov	byte [fs:di + drive.type], DRIVE_NONE
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_DEVICE
	mov	al, [fs:di + drive.select]
	out	dx, al
	inc	dx
	in	al, dx			; nothing drives the bus: all ones
	cmp	al, 0xff
	je	.none
	sub	dx, ATA_STATUS - ATA_COUNT
	mov	al, 0x55		; registers that keep what is written
	out	dx, al
	inc	dx
	mov	al, 0xaa
	out	dx, al
	in	al, dx
	cmp	al, 0xaa
	jne	.none
	dec	dx
	in	al, dx
	cmp	al, 0x55
	jne	.none
	call	ata_select
	jc	.none
	mov	al, ATA_CMD_IDENTIFY
	call	identify
	jnc	ata_found
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_LBA1
	in	al, dx
	mov	ah, al
	inc	dx
	in	al, dx
	cmp	ax, 0x14eb		; the signature of a packet device
	jne	.none
	mov	al, ATA_CMD_IDENTIFY_PACKET
	call	identify
	jnc	atapi_found
.none:
	ret

; Command AL, an IDENTIFY: its 512 bytes to SCRATCH. CF set when there are none.
identify:
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_STATUS
	out	dx, al
	in	al, dx
	test	al, al			; no drive behind the registers
	jz	.none
	call	ata_wait
	jc	.none
	test	al, ATA_ERR
	jnz	.none
	test	al, ATA_DRQ
	jz	.none
	mov	dx, [fs:di + drive.base]
	mov	dword [fs:REQ + req.linear], SCRATCH
	mov	cx, 256
	call	buffer_in
	call	ata_wait
	call	ata_release
	clc
	ret
.none:
	call	ata_release
	stc
	ret

; An ATA disk has answered.
ata_found:
	mov	byte [fs:di + drive.type], DRIVE_ATA
	mov	word [fs:di + drive.sector_size], 512
	push	ds
	push	0
	pop	ds
	mov	ax, [SCRATCH + 1 * 2]
	mov	[fs:di + drive.phys_cyls], ax
	mov	ax, [SCRATCH + 3 * 2]
	mov	[fs:di + drive.phys_heads], ax
	mov	ax, [SCRATCH + 6 * 2]
	mov	[fs:di + drive.phys_spt], ax
	xor	edx, edx
	mov	al, 0
	test	word [SCRATCH + 49 * 2], 0x0200
	jz	.chs
	mov	al, DRIVE_LBA
	mov	ecx, [SCRATCH + 60 * 2]
	test	word [SCRATCH + 83 * 2], 0x0400
	jz	.size
	cmp	dword [SCRATCH + 100 * 2], 0
	je	.size
	or	al, DRIVE_LBA48
	mov	ecx, [SCRATCH + 100 * 2]
	mov	edx, [SCRATCH + 102 * 2]
	jmp	.size
.chs:
	movzx	ecx, word [fs:di + drive.phys_cyls]
	movzx	ebx, word [fs:di + drive.phys_heads]
	imul	ecx, ebx
	movzx	ebx, word [fs:di + drive.phys_spt]
	imul	ecx, ebx
.size:
	pop	ds
	mov	[fs:di + drive.flags], al
	mov	[fs:di + drive.sectors], ecx
	mov	[fs:di + drive.sectors + 4], edx
	call	disk_set_geometry
	PRINT	"Disk "
	movzx	bx, byte [fs:EBDA_DISKS]
	inc	byte [fs:EBDA_DISKS]
	mov	si, EBDA_DISK_MAP
	call	drive_note
	mov	eax, [fs:di + drive.sectors]
	mov	edx, [fs:di + drive.sectors + 4]
	shrd	eax, edx, 11
	call	print_dec
	PRINT	" MiB", 13, 10
	ret

; An ATAPI drive has answered; only CD drives (type 5) are ours.
atapi_found:
	push	ds
	push	0
	pop	ds
	mov	al, [SCRATCH + 1]
	pop	ds
	and	al, 0x1f
	cmp	al, 5
	jne	.other
	mov	byte [fs:di + drive.type], DRIVE_ATAPI
	mov	word [fs:di + drive.sector_size], 2048
	mov	dword [fs:di + drive.sectors], 0xffffffff	; until a disc is there: cd_capacity
	mov	dword [fs:di + drive.sectors + 4], 0
	PRINT	"CD   "
	movzx	bx, byte [fs:EBDA_CDS]
	inc	byte [fs:EBDA_CDS]
	mov	si, EBDA_CD_MAP
	call	drive_note
	PRINT	13, 10
.other:
	ret

; Enters drive DI as number BX in the map at FS:SI and prints its number and model.
drive_note:
	mov	ax, di
	sub	ax, EBDA_DRIVES
	shr	ax, 5
	mov	[fs:si + bx], al
	mov	al, bl
	add	al, '0'
	call	print_char
	PRINT	": "
	push	ds
	push	0
	pop	ds
	mov	si, SCRATCH + 27 * 2	; model: 40 characters, padded with spaces
	mov	cx, 40
.trim:
	mov	bx, cx
	dec	bx
	xor	bl, 1			; two a word, the first one high
	cmp	byte [si + bx], ' '
	ja	.print
	loop	.trim
	jmp	.done
.print:
	xor	bx, bx
.char:
	push	bx
	xor	bl, 1
	mov	al, [si + bx]
	pop	bx
	call	print_char
	inc	bx
	loop	.char
	mov	al, ' '
	call	print_char
.done:
	pop	ds
	ret

; The fixed disk parameter tables of INT 41 and INT 46, for the first two disks.
init_disk_tables:
	push	es
	push	0
	pop	es
	mov	dl, 0
	mov	bp, 0x41 * 4
	mov	cx, EBDA_FDPT
.next:
	cmp	dl, [fs:EBDA_DISKS]
	jae	.done
	mov	si, EBDA_DISK_MAP
	call	drive_pointer
	mov	[es:bp], cx
	mov	[es:bp + 2], fs
	mov	bx, cx
	mov	ax, [fs:di + drive.cylinders]
	mov	[fs:bx], ax
	mov	[fs:bx + 12], ax	; landing zone
	mov	ax, [fs:di + drive.heads]
	mov	[fs:bx + 2], al
	mov	word [fs:bx + 5], 0xffff	; no write precompensation
	mov	byte [fs:bx + 8], 0xc0	; no retries
	cmp	al, 8
	jbe	.few
	or	byte [fs:bx + 8], 0x08
.few:
	mov	al, [fs:di + drive.spt]
	mov	[fs:bx + 14], al
	add	cx, 16
	mov	bp, 0x46 * 4
	inc	dl
	cmp	dl, 2
	jb	.next
.done:
	pop	es
	ret
