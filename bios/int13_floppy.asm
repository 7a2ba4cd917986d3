; INT 13 for floppies, and INT 40. The drives and their controller are worked by fdc.asm.
; IBM PC/AT Technical Reference, section 5; the parameters come from the table of INT 1E,
; which programs replace.

DPT_SPECIFY		equ	0	; offsets in the table of INT 1E
DPT_MOTOR_TICKS		equ	2
DPT_SIZE		equ	3
DPT_SPT			equ	4
DPT_GAP			equ	5
DPT_DATA		equ	6
DPT_FORMAT_GAP		equ	7
DPT_FILL		equ	8

; INT 40: floppies only.
int40:
	INT_ENTER
	push	fs
	mov	fs, [BDA_EBDA]
	sti
	mov	dl, [bp + F_DL]

; From INT 13: DL = floppy drive. SI = unit for all below.
floppy_int13:
	movzx	si, dl
	movzx	bx, byte [bp + F_AH]
	mov	ah, DISK_BAD_COMMAND
	cmp	bl, 0x18
	ja	.status
	cmp	bl, 0x08		; this one answers for absent drives too
	je	.call
	push	bx
	call	floppy_type
	pop	bx
	jnz	.call
	cmp	bl, 0x00		; resetting nothing works
	mov	ah, DISK_OK
	je	.status
	cmp	bl, 0x15
	je	.none
	mov	ah, DISK_TIMEOUT
	jmp	.status
.none:
	mov	byte [bp + F_AH], 0
	CLEAR_C
	jmp	.leave
.call:
	shl	bx, 1
	call	[cs:.table + bx]
	cmp	ah, DISK_KEEP
	je	.leave
.status:
	mov	[BDA_FD_STATUS], ah
	call	int13_answer
.leave:
	pop	fs
	INT_LEAVE
.table:
	dw	floppy_reset, floppy_status, floppy_read, floppy_write
	dw	floppy_verify, floppy_format, disk_bad, disk_bad
	dw	floppy_parameters, disk_bad, disk_bad, disk_bad
	dw	disk_bad, disk_bad, disk_bad, disk_bad
	dw	disk_bad, disk_bad, disk_bad, disk_bad
	dw	disk_bad, floppy_dasd_type, floppy_changed, floppy_set_type
	dw	floppy_set_media

; AL = CMOS type of floppy SI: 0 none (ZF set), 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M.
floppy_type:
	xor	al, al
	cmp	si, 1
	ja	.none
	mov	al, CMOS_FLOPPIES
	call	cmos_read
	jb	.first			; SI = 0: flags of the comparison, which cmos_read keeps
	and	al, 15
	jmp	.known
.first:
	shr	al, 4
.known:
	cmp	al, 5
	jbe	.none
	mov	al, 5
.none:
	test	al, al
	ret

; AH=00: reset the controller.
floppy_reset:
	call	fdc_reset
	mov	ah, DISK_OK
	ret

; AH=01: status of the last call.
floppy_status:
	mov	ah, [BDA_FD_STATUS]
	mov	[bp + F_AL], ah
	call	int13_answer
	mov	byte [BDA_FD_STATUS], 0
	mov	ah, DISK_KEEP
	ret

; AH=02, 03, 04: AL sectors from track CH, head DH, sector CL at ES:BX.
floppy_read:
	mov	ax, DMA_READ << 8 | FDC_READ
	jmp	floppy_access
floppy_write:
	mov	ax, DMA_WRITE << 8 | FDC_WRITE
	jmp	floppy_access
floppy_verify:
	mov	ax, DMA_VERIFY << 8 | FDC_READ
floppy_access:
	movzx	cx, byte [bp + F_AL]
	test	cx, cx
	jz	.bad
	mov	[fs:REQ + req.chunk], ax
	mov	byte [bp + F_AL], 0
	mov	[fs:REQ + req.done], cl
	shl	cx, 9
	dec	cx
	mov	al, ah
	call	dma_start
	mov	ah, DISK_DMA_BOUNDARY
	jc	.return
	call	floppy_prepare
	test	ah, ah
	jnz	.return
	call	floppy_seek
	test	ah, ah
	jnz	.return

	push	es
	call	dpt_pointer
	call	irq6_expect
	mov	al, [fs:REQ + req.chunk]
	call	fdc_send
	call	fdc_send_unit
	mov	al, [bp + F_CH]
	call	fdc_send
	mov	al, [bp + F_DH]
	call	fdc_send
	mov	al, [bp + F_CL]
	call	fdc_send
	mov	al, [es:bx + DPT_SIZE]
	call	fdc_send
	mov	al, [es:bx + DPT_SPT]
	cmp	byte [BDA_FD_RATE], 0xc0
	jne	.end_of_track
	mov	al, 36			; a table for 1.44M must not end the tracks of 2.88M early
.end_of_track:
	call	fdc_send
	mov	al, [es:bx + DPT_GAP]
	call	fdc_send
	mov	al, [es:bx + DPT_DATA]
	call	fdc_send
	pop	es
	call	irq6_wait
	jc	.timeout
	call	fdc_results
	test	ah, ah
	jnz	.return
	mov	al, [fs:REQ + req.done]
	mov	[bp + F_AL], al
.return:
	ret
.bad:
	mov	ah, DISK_BAD_COMMAND
	ret
.timeout:
	call	fdc_reset
	mov	ah, DISK_TIMEOUT
	ret

; AH=05: format track CH, head DH; ES:BX = address fields (C, H, R, N) of its sectors.
floppy_format:
	push	es
	call	dpt_pointer
	movzx	cx, byte [es:bx + DPT_SPT]
	pop	es
	shl	cx, 2
	jz	floppy_access.bad
	dec	cx
	mov	al, DMA_WRITE
	call	dma_start
	mov	ah, DISK_DMA_BOUNDARY
	jc	.return
	call	floppy_prepare
	test	ah, ah
	jnz	.return
	call	floppy_seek
	test	ah, ah
	jnz	.return
	push	es
	call	dpt_pointer
	call	irq6_expect
	mov	al, FDC_FORMAT
	call	fdc_send
	call	fdc_send_unit
	mov	al, [es:bx + DPT_SIZE]
	call	fdc_send
	mov	al, [es:bx + DPT_SPT]
	call	fdc_send
	mov	al, [es:bx + DPT_FORMAT_GAP]
	call	fdc_send
	mov	al, [es:bx + DPT_FILL]
	call	fdc_send
	pop	es
	call	irq6_wait
	jc	floppy_access.timeout
	call	fdc_results
.return:
	ret

; AH=08: type BL, tracks, sectors, number of drives, ES:DI = parameter table.
floppy_parameters:
	mov	al, [BDA_EQUIPMENT]
	mov	dl, 0
	test	al, 1
	jz	.count
	mov	dl, al
	shr	dl, 6
	inc	dl
.count:
	mov	[bp + F_DL], dl
	mov	byte [bp + F_DH], 0
	mov	word [bp + F_AX], 0
	mov	word [bp + F_BX], 0
	mov	word [bp + F_CX], 0
	mov	word [bp + F_ES], 0
	mov	word [bp + F_DI], 0
	call	floppy_type
	mov	ah, DISK_OK
	jz	.return
	mov	[bp + F_BL], al
	movzx	bx, al
	mov	al, [cs:floppy_tracks + bx]
	dec	al
	mov	[bp + F_CH], al
	mov	al, [cs:floppy_spt + bx]
	mov	[bp + F_CL], al
	mov	byte [bp + F_DH], 1
	imul	bx, bx, DPT_LENGTH
	add	bx, floppy_tables - DPT_LENGTH
	mov	[bp + F_DI], bx
	mov	[bp + F_ES], cs
.return:
	ret

floppy_tracks:	db	0, 40, 80, 80, 80, 80	; by CMOS type
floppy_spt:	db	0, 9, 15, 9, 18, 36
DPT_LENGTH		equ	13	; the table of INT 1E, then highest track and rate
floppy_tables:
	db	0xdf, 2, 37, 2, 9, 0x2a, 0xff, 0x50, 0xf6, 15, 8, 39, 0x80	; 360K
	db	0xdf, 2, 37, 2, 15, 0x1b, 0xff, 0x54, 0xf6, 15, 8, 79, 0x00	; 1.2M
	db	0xdf, 2, 37, 2, 9, 0x2a, 0xff, 0x50, 0xf6, 15, 8, 79, 0x80	; 720K
	db	0xaf, 2, 37, 2, 18, 0x1b, 0xff, 0x6c, 0xf6, 15, 8, 79, 0x00	; 1.44M
	db	0xaf, 2, 37, 2, 36, 0x1b, 0xff, 0x53, 0xf6, 15, 8, 79, 0xc0	; 2.88M

; AH=15: kind of drive: 1 without, 2 with a line that tells of changes.
floppy_dasd_type:
	call	floppy_type
	mov	ah, 2
	cmp	al, 1
	jne	.line
	mov	ah, 1
.line:
	mov	[bp + F_AH], ah
	CLEAR_C
	mov	byte [BDA_FD_STATUS], 0
	mov	ah, DISK_KEEP
	ret

; AH=16: was the disk changed?
floppy_changed:
	call	floppy_motor_on
	call	floppy_change_line
	mov	ah, DISK_OK
	jz	.return
	mov	ah, DISK_CHANGED
.return:
	ret

; AH=17: AL = 1 360K in 360K, 2 360K in 1.2M, 3 1.2M in 1.2M, 4 720K: before formatting.
floppy_set_type:
	movzx	bx, byte [bp + F_AL]
	dec	bx
	mov	ah, DISK_BAD_COMMAND
	cmp	bx, 4
	jae	.return
	mov	al, [cs:.media + bx]
	mov	[BDA_FD_MEDIA + si], al
	mov	ah, DISK_OK
.return:
	ret
.media:
	db	0x93, 0x74, 0x15, 0x97

; AH=18: CH = highest track, CL = sectors: before formatting. ES:DI = table to use.
floppy_set_media:
	mov	bx, floppy_tables
	mov	dx, 5
.next:
	mov	al, [cs:bx + DPT_SPT]
	cmp	al, [bp + F_CL]
	jne	.other
	mov	al, [cs:bx + 11]
	cmp	al, [bp + F_CH]
	je	.found
.other:
	add	bx, DPT_LENGTH
	dec	dx
	jnz	.next
	mov	ah, DISK_UNKNOWN_MEDIA
	ret
.found:
	call	floppy_type
	mov	ah, [cs:bx + 12]	; rate in 7:6
	cmp	byte [cs:bx + 11], 39
	jne	.rate
	cmp	al, 2			; 40 tracks in a drive of 80: 300 kbit/s, every other track
	jne	.rate
	mov	ah, 0x40 | MEDIA_DOUBLE_STEP
.rate:
	or	ah, MEDIA_KNOWN | 0x07
	mov	[BDA_FD_MEDIA + si], ah
	mov	[bp + F_DI], bx
	mov	[bp + F_ES], cs
	mov	ah, DISK_OK
	ret

