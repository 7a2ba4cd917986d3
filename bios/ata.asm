; ATA and ATAPI drives by polled PIO on the two legacy channels.
; ATA/ATAPI-6 (T13 1410D): commands section 8, protocols section 9; MMC-2 for READ (10).
;
; UNLIKE HARDWARE: waits are bounded by counting status reads, not by time.

ATA_DATA		equ	0	; offsets from the base port
ATA_ERROR		equ	1
ATA_COUNT		equ	2
ATA_LBA0		equ	3
ATA_LBA1		equ	4	; ATAPI: byte count
ATA_LBA2		equ	5
ATA_DEVICE		equ	6
ATA_STATUS		equ	7
ATA_BSY			equ	0x80
ATA_DRDY		equ	0x40
ATA_DF			equ	0x20
ATA_DRQ			equ	0x08
ATA_ERR			equ	0x01
ATA_NIEN		equ	0x02	; control register: no interrupts

ATA_CMD_READ		equ	0x20
ATA_CMD_READ_EXT	equ	0x24
ATA_CMD_WRITE		equ	0x30
ATA_CMD_WRITE_EXT	equ	0x34
ATA_CMD_VERIFY		equ	0x40
ATA_CMD_VERIFY_EXT	equ	0x42
ATA_CMD_PACKET		equ	0xa0
ATA_CMD_IDENTIFY_PACKET	equ	0xa1
ATA_CMD_IDENTIFY	equ	0xec
ATAPI_BLOCK		equ	0xf800	; most bytes at a time: whole sectors, below 64 KiB

; One request, in the EBDA: what the services above fill in for ata_transfer and atapi_read.
REQ			equ	0x290
struc req
.lba:		resd	2
.linear:	resd	1		; of the buffer; moves on with each block
.bytes:		resd	1		; ATAPI: left to give out
.count:		resw	1		; blocks asked for
.done:		resw	1		; ATA: blocks transferred
.skip:		resw	1		; ATAPI: bytes to drop first
.chunk:		resw	1		; ATA: blocks of the command under way
.op:		resb	1
.sense:		resb	1		; ATAPI: key of the last failure
endstruc
ATA_READ		equ	0
ATA_WRITE		equ	1
ATA_VERIFY		equ	2

; Waits until drive DI's channel is not busy. AL = status; CF set when it never is.
ata_wait:
	push	dx
	push	ecx
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_STATUS
	mov	ecx, 1 << 24
.poll:
	in	al, dx
	test	al, ATA_BSY
	jz	.idle
	dec	ecx
	jnz	.poll
	stc
	jmp	.done
.idle:
	clc
.done:
	pop	ecx
	pop	dx
	ret

; Selects drive DI and turns its interrupts off. CF set when the channel stays busy.
ata_select:
	push	dx
	push	ax
	call	ata_wait
	jc	.stuck
	mov	dx, [fs:di + drive.control]
	mov	al, 0x08 | ATA_NIEN
	out	dx, al
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_DEVICE
	mov	al, [fs:di + drive.select]
	out	dx, al
	call	ata_wait
.stuck:
	pop	ax
	pop	dx
	ret

; The end of a command: interrupts on again. Keeps all registers and flags.
ata_release:
	pushf
	push	dx
	push	ax
	mov	dx, [fs:di + drive.control]
	mov	al, 0x08
	out	dx, al
	pop	ax
	pop	dx
	popf
	ret

; Carries out the request for ATA drive DI. AH = status, req.done = sectors transferred.
ata_transfer:
	mov	word [fs:REQ + req.done], 0
	call	ata_select
	jc	.timeout
.command:
	mov	cx, [fs:REQ + req.count]
	sub	cx, [fs:REQ + req.done]
	jz	.all
	cmp	cx, 256
	jbe	.fits
	mov	cx, 256
.fits:
	mov	[fs:REQ + req.chunk], cx
	call	ata_command
.sector:
	call	ata_wait
	jc	.timeout
	test	al, ATA_ERR | ATA_DF
	jnz	.error
	cmp	byte [fs:REQ + req.op], ATA_VERIFY
	je	.verified
	test	al, ATA_DRQ
	jz	.error
	call	ata_copy_sector
	inc	word [fs:REQ + req.done]
	dec	word [fs:REQ + req.chunk]
	jnz	.sector
	call	ata_wait		; the end of a write can still fail
	jc	.timeout
	test	al, ATA_ERR | ATA_DF
	jnz	.error
	jmp	.command
.verified:
	mov	cx, [fs:REQ + req.chunk]
	add	[fs:REQ + req.done], cx
	jmp	.command
.all:
	call	ata_release
	mov	ah, DISK_OK
	ret
.timeout:
	call	ata_release
	mov	ah, DISK_TIMEOUT
	ret
.error:
	call	ata_error
	jmp	ata_release

; AH = our status for the error register of drive DI.
ata_error:
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_ERROR
	in	al, dx
	mov	ah, DISK_BAD_CRC
	test	al, 0x40		; UNC
	jnz	.done
	mov	ah, DISK_NOT_FOUND
	test	al, 0x10		; IDNF
	jnz	.done
	mov	ah, DISK_PROTECTED	; a write that the drive aborts: its image is read-only
	cmp	byte [fs:REQ + req.op], ATA_WRITE
	je	.done
	mov	ah, DISK_CONTROLLER
.done:
	ret

; Writes the task file for CX sectors from req.lba + req.done, and the command.
ata_command:
	mov	eax, [fs:REQ + req.lba]
	mov	ebx, [fs:REQ + req.lba + 4]
	movzx	edx, word [fs:REQ + req.done]
	add	eax, edx
	adc	ebx, 0
	mov	dx, [fs:di + drive.base]
	test	byte [fs:di + drive.flags], DRIVE_LBA
	jz	.chs
	mov	esi, eax
	add	esi, 256
	jc	.long
	test	ebx, ebx
	jnz	.long
	cmp	esi, 1 << 28
	ja	.long
	push	eax
	add	dx, ATA_COUNT
	mov	al, cl			; 256 is written as 0
	out	dx, al
	pop	eax
	call	.lba_bytes
	inc	dx
	shr	eax, 24
	and	al, 0x0f
	or	al, 0x40
	mov	si, .commands
	jmp	.device
.long:					; LBA48: the high halves first
	push	eax
	add	dx, ATA_COUNT
	mov	al, ch
	out	dx, al
	pop	eax
	push	eax
	shrd	eax, ebx, 24
	call	.lba_bytes
	sub	dx, 3
	mov	al, cl
	out	dx, al
	pop	eax
	call	.lba_bytes
	inc	dx
	mov	al, 0x40
	mov	si, .commands_ext
.device:
	or	al, [fs:di + drive.select]
	out	dx, al
	inc	dx
	movzx	bx, byte [fs:REQ + req.op]
	mov	al, [cs:si + bx]
	out	dx, al
	ret
.lba_bytes:				; DX at the count register: the three after it from EAX
	push	eax
	inc	dx
	out	dx, al
	shr	eax, 8
	inc	dx
	out	dx, al
	shr	eax, 8
	inc	dx
	out	dx, al
	pop	eax
	ret
.chs:					; a drive without LBA: its own geometry
	push	cx
	push	dx
	xor	edx, edx
	movzx	ecx, word [fs:di + drive.phys_spt]
	div	ecx
	mov	bl, dl
	inc	bl			; sector
	xor	edx, edx
	movzx	ecx, word [fs:di + drive.phys_heads]
	div	ecx			; AX = cylinder, DL = head
	mov	bh, dl
	pop	dx
	pop	cx
	push	ax
	add	dx, ATA_COUNT
	mov	al, cl
	out	dx, al
	inc	dx
	mov	al, bl
	out	dx, al
	pop	ax
	inc	dx
	out	dx, al
	inc	dx
	mov	al, ah
	out	dx, al
	inc	dx
	mov	al, bh
	mov	si, .commands
	jmp	.device
.commands:
	db	ATA_CMD_READ, ATA_CMD_WRITE, ATA_CMD_VERIFY
.commands_ext:
	db	ATA_CMD_READ_EXT, ATA_CMD_WRITE_EXT, ATA_CMD_VERIFY_EXT

; Moves one sector between drive DI and the buffer, which moves on.
ata_copy_sector:
	mov	cx, 256
	mov	dx, [fs:di + drive.base]
	cmp	byte [fs:REQ + req.op], ATA_WRITE
	je	.out
	call	buffer_in
	ret
.out:
	push	ds
	push	esi
	mov	esi, [fs:REQ + req.linear]
	add	dword [fs:REQ + req.linear], 512
	cmp	esi, 0xffff0
	ja	.high
	mov	eax, esi
	shr	eax, 4
	mov	ds, ax
	and	si, 15
	rep outsw
	jmp	.done
.high:
	call	flat_segments
	xor	ax, ax
	mov	ds, ax
	movzx	ecx, cx
	a32 rep outsw
.done:
	pop	esi
	pop	ds
	ret

; Reads CX words from port DX to the buffer, which moves on.
buffer_in:
	push	es
	push	edi
	mov	edi, [fs:REQ + req.linear]
	movzx	eax, cx
	shl	eax, 1
	add	[fs:REQ + req.linear], eax
	cmp	edi, 0xffff0
	ja	.high
	mov	eax, edi
	shr	eax, 4
	mov	es, ax
	and	di, 15
	rep insw
	jmp	.done
.high:
	call	flat_segments
	xor	ax, ax
	mov	es, ax
	movzx	ecx, cx
	a32 rep insw
.done:
	pop	edi
	pop	es
	ret

; Gives DS and ES a limit of 4 GiB that outlives the return to real mode ("big real mode"),
; for buffers above 1 MiB. In V86 mode the monitor has mapped what we may reach: not needed
; there and not possible.
flat_segments:
	push	eax
	smsw	ax
	test	al, 1
	jnz	.v86
	pushf
	cli
	push	ds
	push	es
	o32 lgdt [cs:flat_gdt]
	mov	eax, cr0
	inc	ax
	mov	cr0, eax
	jmp	$ + 2
	mov	ax, 8
	mov	ds, ax
	mov	es, ax
	mov	eax, cr0
	dec	ax
	mov	cr0, eax
	jmp	$ + 2
	pop	es
	pop	ds
	popf
.v86:
	pop	eax
	ret

	align	8
flat_gdt:
	dw	15			; as GDTR wants it, where the null descriptor is
	dd	0xf0000 + flat_gdt
	dw	0
	dq	0x00cf93000000ffff	; data, base 0, limit 4 GiB

; Sends the 12-byte command at EBDA_PACKET to ATAPI drive DI and reads what it answers: the
; first req.skip bytes are dropped, then req.bytes go to the buffer, the rest is dropped.
; AH = status; req.bytes = what is still missing.
atapi_packet:
	call	ata_select
	jc	.timeout
	mov	dx, [fs:di + drive.base]
	inc	dx			; features: PIO
	xor	al, al
	out	dx, al
	add	dx, ATA_LBA1 - ATA_ERROR
	mov	al, ATAPI_BLOCK & 0xff
	out	dx, al
	inc	dx
	mov	al, ATAPI_BLOCK >> 8
	out	dx, al
	add	dx, ATA_STATUS - ATA_LBA2
	mov	al, ATA_CMD_PACKET
	out	dx, al
	call	ata_wait
	jc	.timeout
	test	al, ATA_ERR
	jnz	.failed
	test	al, ATA_DRQ
	jz	.failed
	mov	dx, [fs:di + drive.base]
	push	ds
	push	si
	push	fs
	pop	ds
	mov	si, EBDA_PACKET
	mov	cx, 6
	rep outsw
	pop	si
	pop	ds
.block:
	call	ata_wait
	jc	.timeout
	test	al, ATA_ERR
	jnz	.failed
	test	al, ATA_DRQ
	jz	.end
	mov	dx, [fs:di + drive.base]
	add	dx, ATA_LBA1
	in	al, dx
	mov	ah, al
	inc	dx
	in	al, dx
	xchg	al, ah
	sub	dx, ATA_LBA2		; the data port again
	movzx	ecx, ax
	test	ecx, ecx
	jz	.failed
	call	atapi_block
	jmp	.block
.end:
	call	ata_release
	mov	ah, DISK_OK
	cmp	dword [fs:REQ + req.bytes], 0
	je	.return
	mov	ah, DISK_NOT_FOUND
.return:
	ret
.timeout:
	call	ata_release
	mov	ah, DISK_TIMEOUT
	ret
.failed:
	call	ata_release
	mov	dx, [fs:di + drive.base]
	inc	dx
	in	al, dx			; sense key in 7:4
	shr	al, 4
	mov	[fs:REQ + req.sense], al
	mov	ah, DISK_NOT_READY
	cmp	al, 2
	je	.return
	mov	ah, DISK_CHANGED
	cmp	al, 6
	je	.return
	mov	ah, DISK_NOT_FOUND
	ret

; One data block of ECX bytes at port DX: dropped, given out, dropped.
atapi_block:
	movzx	eax, word [fs:REQ + req.skip]
	cmp	eax, ecx
	jbe	.skip
	mov	eax, ecx
.skip:
	sub	[fs:REQ + req.skip], ax
	sub	ecx, eax
	call	.drop
	mov	eax, [fs:REQ + req.bytes]
	cmp	eax, ecx
	jbe	.take
	mov	eax, ecx
.take:
	sub	[fs:REQ + req.bytes], eax
	sub	ecx, eax
	jz	.last
	push	ecx
	mov	ecx, eax
	call	.give
	pop	eax
	jmp	.drop
.last:
	mov	ecx, eax
.give:
	shr	cx, 1
	jz	.none
	jmp	buffer_in
.drop:					; AX bytes
	push	ax
	push	cx
	mov	cx, ax
	shr	cx, 1
	jz	.dropped
.word:
	in	ax, dx
	loop	.word
.dropped:
	pop	cx
	pop	ax
.none:
	ret

; Reads from ATAPI drive DI, 2048-byte block req.lba on: req.skip and req.bytes say which
; bytes go to the buffer. A changed medium is tried again. AH = status.
atapi_read:
	mov	word [fs:EBDA_PACKET], 0x0028	; READ (10)
	mov	eax, [fs:REQ + req.lba]
	xchg	al, ah			; big-endian
	rol	eax, 16
	xchg	al, ah
	mov	[fs:EBDA_PACKET + 2], eax
	mov	byte [fs:EBDA_PACKET + 6], 0
	movzx	eax, word [fs:REQ + req.skip]
	add	eax, [fs:REQ + req.bytes]
	add	eax, 2047
	shr	eax, 11
	xchg	al, ah
	mov	[fs:EBDA_PACKET + 7], ax
	mov	byte [fs:EBDA_PACKET + 9], 0
	mov	word [fs:EBDA_PACKET + 10], 0
	mov	cx, 4
.again:
	push	cx
	call	atapi_packet
	pop	cx
	cmp	ah, DISK_CHANGED
	jne	.done
	loop	.again
.done:
	ret

; Asks ATAPI drive DI how many blocks its disc has, for drive.sectors; without an answer it
; stays as it is, all ones.
cd_capacity:
	mov	word [fs:EBDA_PACKET], 0x0025	; READ CAPACITY
	mov	dword [fs:EBDA_PACKET + 2], 0
	mov	dword [fs:EBDA_PACKET + 6], 0
	mov	word [fs:EBDA_PACKET + 10], 0
	mov	ax, fs
	movzx	eax, ax
	shl	eax, 4
	add	eax, EBDA_CAPACITY
	mov	cx, 4
.again:
	push	cx
	push	eax
	mov	[fs:REQ + req.linear], eax
	mov	dword [fs:REQ + req.bytes], 8
	mov	word [fs:REQ + req.skip], 0
	call	atapi_packet
	cmp	ah, DISK_CHANGED
	pop	eax
	pop	cx
	loope	.again
	cmp	dword [fs:REQ + req.bytes], 0
	jne	.unknown
	mov	eax, [fs:EBDA_CAPACITY]	; the last block, big-endian
	xchg	al, ah
	rol	eax, 16
	xchg	al, ah
	inc	eax
	mov	[fs:di + drive.sectors], eax
.unknown:
	ret
