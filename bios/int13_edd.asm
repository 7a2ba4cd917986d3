; INT 13 AH=41-4E: packet access by block number, for hard disks (512-byte blocks) and CDs
; (2048). Enhanced Disk Drive Specification 3.0, T13 D1386; El Torito 1.0 for AH=4A-4D.

edd_table:
	dw	edd_check, edd_read, edd_write, edd_verify	; 41-44
	dw	edd_lock, edd_eject, edd_seek, edd_parameters	; 45-48
	dw	edd_changed, emu_start, emu_status, emu_start	; 49-4C
	dw	emu_catalog, edd_hardware			; 4D-4E
.end:

struc packet
.size:		resb	1		; 10h, or 18h with a flat address
.zero:		resb	1
.count:		resw	1
.offset:	resw	1
.segment:	resw	1
.lba:		resd	2
.flat:		resd	2		; where offset and segment are FFFF
endstruc

; AH=41: BX=55AA asks whether we know packets.
edd_check:
	mov	ah, DISK_BAD_COMMAND
	cmp	word [bp + F_BX], 0x55aa
	jne	.return
	mov	word [bp + F_BX], 0xaa55
	mov	word [bp + F_CX], 0x0005	; packets, EDD
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	.disk
	mov	word [bp + F_CX], 0x0007	; and removable media
.disk:
	mov	byte [bp + F_AH], 0x30	; version 3.0
	CLEAR_C
	mov	ah, DISK_KEEP
.return:
	ret

edd_verify:
	mov	dl, ATA_VERIFY
	jmp	edd_access
edd_write:
	mov	dl, ATA_WRITE
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	edd_access
	mov	ah, DISK_PROTECTED
	ret
edd_seek:
	mov	dl, EDD_SEEK
	jmp	edd_access
edd_read:
	mov	dl, ATA_READ

; AH=42, 43, 44, 47: packet at DS:SI.
EDD_SEEK		equ	0xff		; only check the range
edd_access:
	mov	[fs:REQ + req.op], dl
	push	ds
	mov	ds, [bp + F_DS]
	mov	si, [bp + F_SI]
	mov	cl, [si + packet.size]
	movzx	ebx, word [si + packet.count]
	mov	eax, [si + packet.lba]
	mov	edx, [si + packet.lba + 4]
	mov	[fs:REQ + req.count], bx
	mov	[fs:REQ + req.lba], eax
	mov	[fs:REQ + req.lba + 4], edx
	add	eax, ebx		; the end must be on the drive
	adc	edx, 0
	jc	.outside
	sub	eax, [fs:di + drive.sectors]
	sbb	edx, [fs:di + drive.sectors + 4]
	jb	.inside
	or	eax, edx
	jnz	.outside
.inside:
	cmp	cl, 0x10
	jb	.bad
	movzx	eax, word [si + packet.segment]
	movzx	edx, word [si + packet.offset]
	cmp	cl, 0x18
	jb	.segmented
	cmp	dword [si + packet.offset], 0xffffffff
	jne	.segmented
	mov	eax, [si + packet.flat]
	cmp	dword [si + packet.flat + 4], 0
	je	.address
.bad:
	mov	ah, DISK_BAD_COMMAND
	jmp	.fail
.outside:
	mov	ah, DISK_NOT_FOUND
.fail:
	mov	word [si + packet.count], 0
	pop	ds
	ret
.segmented:
	shl	eax, 4
	add	eax, edx
.address:
	pop	ds
	mov	[fs:REQ + req.linear], eax
	mov	ah, DISK_OK
	cmp	byte [fs:REQ + req.op], EDD_SEEK
	je	.return
	cmp	word [fs:REQ + req.count], 0
	je	.return
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	je	.cd
	call	ata_transfer
	mov	cx, [fs:REQ + req.done]
	jmp	.count
.cd:
	cmp	byte [fs:REQ + req.op], ATA_READ
	jne	.return
	movzx	ecx, word [fs:REQ + req.count]
	shl	ecx, 11
	mov	[fs:REQ + req.bytes], ecx
	mov	word [fs:REQ + req.skip], 0
	call	atapi_read
	movzx	ecx, word [fs:REQ + req.count]	; blocks not read
	mov	edx, [fs:REQ + req.bytes]
	add	edx, 2047
	shr	edx, 11
	sub	cx, dx
.count:
	push	ds
	mov	ds, [bp + F_DS]
	mov	si, [bp + F_SI]
	mov	[si + packet.count], cx
	pop	ds
.return:
	ret

; AH=45: locks are for changers with a button; ours has none: the state is "unlocked".
edd_lock:
	cmp	byte [bp + F_AL], 2
	ja	disk_bad
	mov	byte [bp + F_AL], 0
	mov	ah, DISK_OK
	ret

; AH=46.
edd_eject:
	mov	ah, DISK_NO_EJECT
	ret

; AH=49: CF and AH=06 when the medium was changed since the last call; ours do not tell.
edd_changed:
	mov	ah, DISK_OK
	ret

; AH=48: what the drive is, at DS:SI; the caller says how long its buffer is.
struc result
.size:		resw	1
.flags:		resw	1		; 0 no DMA trouble, 1 geometry valid, 2 removable
.cylinders:	resd	1
.heads:		resd	1
.spt:		resd	1
.sectors:	resd	2
.sector_size:	resw	1		; 1A bytes: EDD 1.x
.dpte:		resd	1		; 1E bytes: EDD 2.x, -1: none
.key:		resw	1		; 42 bytes: EDD 3.0, BEDD
.path_size:	resb	1
.zero:		resb	3
.host:		resb	4		; "ISA "
.interface:	resb	8		; "ATA     "
.host_path:	resd	2		; base port
.device_path:	resd	2		; 0 master, 1 slave
.zero2:		resb	1
.sum:		resb	1
endstruc

edd_parameters:
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	.capacity_known
	call	cd_capacity
.capacity_known:
	push	ds
	mov	ds, [bp + F_DS]
	mov	si, [bp + F_SI]
	mov	bx, [si + result.size]
	cmp	bx, result.dpte
	jb	.short
	cmp	bx, result.key
	jb	.version1
	cmp	bx, result_size
	jb	.version2
	mov	word [si + result.size], result_size
	call	edd_path
	jmp	.dpte
.version2:
	mov	word [si + result.size], result.key
.dpte:
	call	edd_dpte
	jmp	.basic
.version1:
	mov	word [si + result.size], result.dpte
.basic:
	mov	word [si + result.flags], 0x0002
	movzx	eax, word [fs:di + drive.phys_cyls]
	mov	[si + result.cylinders], eax
	movzx	eax, word [fs:di + drive.phys_heads]
	mov	[si + result.heads], eax
	movzx	eax, word [fs:di + drive.phys_spt]
	mov	[si + result.spt], eax
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	.disk
	mov	word [si + result.flags], 0x0004
	xor	eax, eax
	dec	eax
	mov	[si + result.cylinders], eax
	mov	[si + result.heads], eax
	mov	[si + result.spt], eax
.disk:
	mov	eax, [fs:di + drive.sectors]
	mov	[si + result.sectors], eax
	mov	eax, [fs:di + drive.sectors + 4]
	mov	[si + result.sectors + 4], eax
	mov	ax, [fs:di + drive.sector_size]
	mov	[si + result.sector_size], ax
	mov	ah, DISK_OK
	pop	ds
	ret
.short:
	mov	ah, DISK_BAD_COMMAND
	pop	ds
	ret

; The device parameter table extension (EDD 3.0, 8.15.2): 16 bytes at EBDA_DPT.
edd_dpte:
	mov	word [si + result.dpte], EBDA_DPT
	mov	[si + result.dpte + 2], fs
	push	si
	mov	si, EBDA_DPT
	mov	ax, [fs:di + drive.base]
	mov	[fs:si], ax
	mov	ax, [fs:di + drive.control]
	mov	[fs:si + 2], ax
	mov	al, [fs:di + drive.select]
	or	al, 0x40		; LBA
	mov	[fs:si + 4], al
	mov	byte [fs:si + 5], 0
	mov	al, 14
	cmp	word [fs:di + drive.base], 0x1f0
	je	.irq
	mov	al, 15
.irq:
	mov	[fs:si + 6], al
	mov	byte [fs:si + 7], 1	; sectors in a block
	mov	word [fs:si + 8], 0	; no DMA, PIO type 0
	mov	ax, 0x0010		; LBA is on
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	.options
	mov	ax, 0x0070		; and removable, ATAPI
.options:
	mov	[fs:si + 10], ax
	mov	word [fs:si + 12], 0
	mov	byte [fs:si + 14], 0x30
	mov	cx, 15
	xor	al, al
.sum:
	add	al, [fs:si]
	inc	si
	loop	.sum
	neg	al
	mov	[fs:si], al
	pop	si
	ret

; The interface path at the end of the EDD 3.0 result.
edd_path:
	mov	word [si + result.key], 0xbedd
	mov	dword [si + result.path_size], 36
	mov	dword [si + result.host], "ISA "
	mov	dword [si + result.interface], "ATA "
	mov	dword [si + result.interface + 4], "    "
	cmp	byte [fs:di + drive.type], DRIVE_ATAPI
	jne	.ata
	mov	dword [si + result.interface], "ATAP"
	mov	dword [si + result.interface + 4], "I   "
.ata:
	movzx	eax, word [fs:di + drive.base]
	mov	[si + result.host_path], eax
	xor	eax, eax
	mov	[si + result.host_path + 4], eax
	mov	[si + result.device_path + 4], eax
	test	byte [fs:di + drive.select], 0x10
	setnz	al
	mov	[si + result.device_path], eax
	mov	word [si + result.zero2], 0
	push	si
	add	si, result.key
	mov	cx, 35
	xor	al, al
.sum:
	add	al, [si]
	inc	si
	loop	.sum
	neg	al
	mov	[si], al
	pop	si
	ret

; AH=4E: PIO modes and DMA: there is only PIO, so what asks for it succeeds.
edd_hardware:
	cmp	byte [bp + F_AL], 6
	ja	disk_bad
	mov	byte [bp + F_AL], 0
	mov	ah, DISK_OK
	ret
