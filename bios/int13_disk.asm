; INT 13 for hard disks by cylinder, head and sector. The geometry a program sees is chosen
; by disk_set_geometry so that as much as can be lies below cylinder 1024 ("LBA assist").
; IBM PC/AT Technical Reference, section 5; Ralf Brown's INT 13.

disk_table:
	dw	disk_nothing, disk_status, disk_read, disk_write
	dw	disk_verify, disk_nothing, disk_bad, disk_bad		; 05: format track
	dw	disk_parameters, disk_nothing, disk_bad, disk_bad	; 09: set up drive
	dw	disk_seek, disk_nothing, disk_bad, disk_bad		; 0D: reset
	dw	disk_nothing, disk_nothing, disk_bad, disk_bad		; 10 ready, 11 recalibrate
	dw	disk_nothing, disk_type				; 14 diagnostic
.end:

disk_bad:
	mov	ah, DISK_BAD_COMMAND
	ret

; Functions that an ATA disk has no use for succeed.
disk_nothing:
	mov	ah, DISK_OK
	ret

; AH=01: the status of the last call.
disk_status:
	mov	ah, [BDA_HD_STATUS]
	mov	byte [BDA_HD_STATUS], 0
	mov	[bp + F_AL], ah
	call	int13_answer
	mov	ah, DISK_KEEP
	ret

; AH=02, 03, 04: AL sectors from cylinder CH + CL 7:6, head DH, sector CL 5:0, at ES:BX.
disk_verify:
	mov	dl, ATA_VERIFY
	jmp	disk_chs
disk_write:
	mov	dl, ATA_WRITE
	jmp	disk_chs
disk_read:
	mov	dl, ATA_READ
disk_chs:
	movzx	cx, byte [bp + F_AL]
	mov	byte [bp + F_AL], 0
	jcxz	disk_bad
	cmp	cx, 128
	ja	disk_bad
	mov	[fs:REQ + req.op], dl
	mov	[fs:REQ + req.count], cx
	call	chs_to_lba
	jc	.outside
	mov	[fs:REQ + req.lba], eax
	mov	dword [fs:REQ + req.lba + 4], 0
	movzx	eax, word [bp + F_ES]
	shl	eax, 4
	movzx	edx, word [bp + F_BX]
	add	eax, edx
	mov	[fs:REQ + req.linear], eax
	call	ata_transfer
	mov	cl, [fs:REQ + req.done]
	mov	[bp + F_AL], cl
	ret
.outside:
	mov	ah, DISK_NOT_FOUND
	ret

; EAX = LBA of the caller's CX and DH on drive DI; CF set when that is outside its geometry.
chs_to_lba:
	movzx	ax, byte [bp + F_CL]
	shl	ax, 2
	mov	al, [bp + F_CH]		; AX = cylinder
	cmp	ax, [fs:di + drive.cylinders]
	jae	.outside
	movzx	dx, byte [bp + F_DH]
	cmp	dx, [fs:di + drive.heads]
	jae	.outside
	movzx	ecx, byte [bp + F_CL]
	and	cl, 0x3f
	jz	.outside
	cmp	cl, [fs:di + drive.spt]
	ja	.outside
	dec	cx
	movzx	eax, ax
	movzx	ebx, word [fs:di + drive.heads]
	push	dx
	mul	ebx
	pop	dx
	movzx	edx, dx
	add	eax, edx		; track
	movzx	ebx, byte [fs:di + drive.spt]
	mul	ebx
	add	eax, ecx
	clc
	ret
.outside:
	stc
	ret

; AH=08: geometry and number of drives.
disk_parameters:
	mov	ax, [fs:di + drive.cylinders]
	dec	ax			; the highest number
	mov	[bp + F_CH], al
	shl	ah, 6
	or	ah, [fs:di + drive.spt]
	mov	[bp + F_CL], ah
	mov	ax, [fs:di + drive.heads]
	dec	ax
	mov	[bp + F_DH], al
	call	disk_count
	mov	[bp + F_DL], al
	mov	byte [bp + F_AL], 0
	mov	ah, DISK_OK
	ret

; AL = number of hard disks a program sees.
disk_count:
	mov	al, [BDA_HD_COUNT]
	ret

; AH=0C: only whether the cylinder exists.
disk_seek:
	call	chs_to_lba
	mov	ah, DISK_OK
	jnc	.there
	mov	ah, DISK_SEEK
.there:
	ret

; AH=15: AH = 3, a fixed disk; CX:DX = sectors by the geometry of AH=08.
disk_type:
	movzx	eax, word [fs:di + drive.cylinders]
	movzx	ecx, word [fs:di + drive.heads]
	mul	ecx
	movzx	ecx, byte [fs:di + drive.spt]
	mul	ecx
	mov	[bp + F_DX], ax
	shr	eax, 16
	mov	[bp + F_CX], ax
	mov	byte [bp + F_AH], 3
	CLEAR_C
	mov	ah, DISK_KEEP
	ret

; Chooses the geometry shown for drive DI: its own when that fits in 1024 cylinders, else 63
; sectors and as many heads as it takes.
disk_set_geometry:
	mov	ax, [fs:di + drive.phys_cyls]
	test	ax, ax
	jz	.assist
	cmp	ax, 1024
	ja	.assist
	cmp	word [fs:di + drive.phys_heads], 0
	je	.assist
	mov	cx, [fs:di + drive.phys_spt]
	jcxz	.assist
	cmp	cx, 63
	ja	.assist
	mov	[fs:di + drive.cylinders], ax
	mov	[fs:di + drive.spt], cl
	mov	ax, [fs:di + drive.phys_heads]
	mov	[fs:di + drive.heads], ax
	ret
.assist:
	mov	eax, [fs:di + drive.sectors]
	cmp	dword [fs:di + drive.sectors + 4], 0
	je	.size
	mov	eax, 0xffffffff
.size:
	xor	edx, edx
	mov	ecx, 63
	div	ecx			; EAX = tracks
	mov	ecx, 16
.heads:
	mov	edx, ecx
	shl	edx, 10
	cmp	eax, edx
	jbe	.enough
	shl	ecx, 1
	cmp	ecx, 256
	jb	.heads
	mov	ecx, 255
.enough:
	xor	edx, edx
	div	ecx
	cmp	eax, 1024
	jbe	.fits
	mov	eax, 1024
.fits:
	test	ax, ax
	jnz	.some
	inc	ax
.some:
	mov	[fs:di + drive.cylinders], ax
	mov	[fs:di + drive.heads], cx
	mov	byte [fs:di + drive.spt], 63
	ret
