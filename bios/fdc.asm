; The floppy controller and its drives: 82077AA (PC/AT mode) with DMA channel 2.
; 82077AA datasheet, section 5 (commands) and 2 (registers); 8237A datasheet.
; Everywhere SI = unit, BP = the caller's frame, DS = BDA, FS = EBDA.
;
; UNLIKE HARDWARE: no wait for the motor to speed up or the head to settle, because an
; emulated drive is ready at once and the guest's time is better spent.

FDC_DOR			equ	0x3f2
FDC_MSR			equ	0x3f4
FDC_DATA		equ	0x3f5
FDC_DIR			equ	0x3f7	; read: 7 disk changed
FDC_CCR			equ	0x3f7	; write: data rate

FDC_SPECIFY		equ	0x03
FDC_RECALIBRATE		equ	0x07
FDC_SENSE_INTERRUPT	equ	0x08
FDC_SEEK		equ	0x0f
FDC_READ		equ	0xe6	; multi-track, MFM, skip deleted
FDC_WRITE		equ	0xc5
FDC_READ_ID		equ	0x4a
FDC_FORMAT		equ	0x4d

DMA_READ		equ	0x46	; mode of channel 2: single, to memory
DMA_WRITE		equ	0x4a	; from memory
DMA_VERIFY		equ	0x42

MEDIA_KNOWN		equ	0x10	; BDA_FD_MEDIA
MEDIA_DOUBLE_STEP	equ	0x20

; Programs DMA channel 2 for CX + 1 bytes at the caller's ES:BX, mode AL. CF set when that
; crosses 64 KiB, which the page register cannot.
dma_start:
	push	ax
	movzx	eax, word [bp + F_ES]
	shl	eax, 4
	movzx	edx, word [bp + F_BX]
	add	eax, edx
	mov	dx, ax
	add	dx, cx
	pop	dx			; DL = mode
	jc	.crosses
	push	eax
	cli
	mov	al, 0x06		; mask it
	out	0x0a, al
	mov	al, dl
	out	0x0b, al
	out	0x0c, al		; low bytes first
	pop	eax
	out	0x04, al
	mov	al, ah
	out	0x04, al
	shr	eax, 16
	out	0x81, al
	mov	al, cl
	out	0x05, al
	mov	al, ch
	out	0x05, al
	sti
	mov	al, 0x02
	out	0x0a, al
	clc
	ret
.crosses:
	stc
	ret

; Motor on, change line looked at, media found out. AH = status.
floppy_prepare:
	call	floppy_motor_on
	call	floppy_change_line
	jnz	.changed
	test	byte [BDA_FD_MEDIA + si], MEDIA_KNOWN
	jz	.find
	call	fdc_set_rate
	mov	ah, DISK_OK
	ret
.changed:
	mov	al, [BDA_FD_MEDIA + si]
	push	ax
	and	byte [BDA_FD_MEDIA + si], ~MEDIA_KNOWN & 0xff
	call	floppy_clear_change
	call	floppy_change_line
	pop	ax
	mov	ah, DISK_TIMEOUT	; the line stays on: no disk in the drive
	jnz	.return
	test	al, MEDIA_KNOWN		; it is news only to one who knew the last disk
	mov	ah, DISK_CHANGED
	jnz	.return
.find:
	jmp	floppy_find_media
.return:
	ret

; ZF clear when the drive says that its disk was changed.
floppy_change_line:
	mov	dx, FDC_DIR
	in	al, dx
	test	al, 0x80
	ret

; Moving the head takes the change line back.
floppy_clear_change:
	call	fdc_recalibrate
	mov	al, 1
	call	fdc_seek_to
	mov	al, 0
	jmp	fdc_seek_to

; Tries the data rates that drive SI knows until a sector address can be read. AH = status.
floppy_find_media:
	call	floppy_type
	movzx	bx, al
	shl	bx, 2
	add	bx, .rates - 4
	mov	cx, 4
.next:
	mov	al, [cs:bx]
	cmp	al, 0xff
	je	.unknown
	mov	[BDA_FD_MEDIA + si], al
	call	fdc_set_rate
	push	bx
	push	cx
	call	fdc_recalibrate
	call	fdc_read_id
	pop	cx
	pop	bx
	test	ah, ah
	jz	.found
	inc	bx
	loop	.next
.unknown:
	mov	byte [BDA_FD_MEDIA + si], 0
	mov	ah, DISK_NO_MARK
	ret
.found:
	or	byte [BDA_FD_MEDIA + si], MEDIA_KNOWN | 0x07
	mov	ah, DISK_OK
	ret
.rates:					; rate 7:6, double step; by CMOS type from 1
	db	0x80, 0xff, 0xff, 0xff
	db	0x00, 0x40 | MEDIA_DOUBLE_STEP, 0xff, 0xff
	db	0x80, 0xff, 0xff, 0xff
	db	0x00, 0x80, 0xff, 0xff
	db	0xc0, 0x00, 0x80, 0xff

fdc_set_rate:
	mov	al, [BDA_FD_MEDIA + si]
	and	al, 0xc0
	mov	[BDA_FD_RATE], al
	rol	al, 2
	mov	dx, FDC_CCR
	out	dx, al
	ret

; Starts the motor of drive SI and keeps it running for the time of the table of INT 1E.
floppy_motor_on:
	push	es
	call	dpt_pointer
	cli
	mov	al, [es:bx + DPT_MOTOR_TICKS]
	mov	[BDA_FD_MOTOR_OFF], al
	pop	es
	mov	cx, si
	mov	al, 1
	shl	al, cl
	and	byte [BDA_FD_MOTOR], 0xf0
	or	[BDA_FD_MOTOR], al
	shl	al, 4
	or	al, 0x0c
	or	al, cl
	mov	dx, FDC_DOR
	out	dx, al
	sti
	ret

; Head of drive SI to the caller's track, when it is not there already. AH = status.
floppy_seek:
	mov	cx, si
	mov	al, 1
	shl	al, cl
	test	[BDA_FD_CALIBRATED], al
	jnz	.calibrated
	call	fdc_recalibrate
	test	ah, ah
	jnz	.return
.calibrated:
	mov	al, [bp + F_CH]
	test	byte [BDA_FD_MEDIA + si], MEDIA_DOUBLE_STEP
	jz	.track
	shl	al, 1
.track:
	mov	ah, DISK_OK
	cmp	al, [BDA_FD_TRACK + si]
	jne	fdc_seek_to
.return:
	ret

; Head of drive SI to track AL. AH = status.
fdc_seek_to:
	mov	[BDA_FD_TRACK + si], al
	push	ax
	call	irq6_expect
	mov	al, FDC_SEEK
	call	fdc_send
	call	fdc_send_unit
	pop	ax
	call	fdc_send
	jmp	fdc_seek_end

; Head of drive SI to track 0; twice, because once moves no more than 79 steps. AH = status.
fdc_recalibrate:
	call	.once
	test	ah, ah
	jz	.done
.once:
	mov	byte [BDA_FD_TRACK + si], 0
	call	irq6_expect
	mov	al, FDC_RECALIBRATE
	call	fdc_send
	mov	ax, si
	call	fdc_send
	call	fdc_seek_end
	test	ah, ah
	jnz	.done
	mov	cx, si
	mov	al, 1
	shl	al, cl
	or	[BDA_FD_CALIBRATED], al
.done:
	ret

; Waits for the end of a seek. AH = status.
fdc_seek_end:
	call	irq6_wait
	mov	ah, DISK_TIMEOUT
	jc	.return
	call	fdc_sense
	mov	al, [BDA_FD_RESULT]
	and	al, 0xf0
	cmp	al, 0x20		; ended normally
	mov	ah, DISK_OK
	je	.return
	mov	ah, DISK_SEEK
.return:
	ret

; SENSE INTERRUPT STATUS: its two answers to BDA_FD_RESULT.
fdc_sense:
	mov	al, FDC_SENSE_INTERRUPT
	call	fdc_send
	jmp	fdc_receive

; Is a sector address readable under the head of drive SI? AH = status.
fdc_read_id:
	call	irq6_expect
	mov	al, FDC_READ_ID
	call	fdc_send
	mov	ax, si
	call	fdc_send
	call	irq6_wait
	jc	floppy_access.timeout
	jmp	fdc_results

; Head and unit byte.
fdc_send_unit:
	mov	al, [bp + F_DH]
	and	al, 1
	shl	al, 2
	or	ax, si
	; falls through

; Byte AL to the controller, when it asks for one.
fdc_send:
	push	dx
	push	cx
	push	ax
	mov	dx, FDC_MSR
	mov	cx, 0xffff
.wait:
	in	al, dx
	and	al, 0xc0
	cmp	al, 0x80
	je	.ready
	loop	.wait
	pop	ax
	jmp	.done
.ready:
	pop	ax
	inc	dx
	out	dx, al
.done:
	pop	cx
	pop	dx
	ret

; The result phase, up to 7 bytes, to BDA_FD_RESULT.
fdc_receive:
	push	di
	mov	di, BDA_FD_RESULT
.next:
	mov	dx, FDC_MSR
	mov	cx, 0xffff
.wait:
	in	al, dx
	test	al, 0x80
	jnz	.asked
	loop	.wait
	jmp	.done
.asked:
	test	al, 0x40		; it wants a command: no more results
	jz	.done
	inc	dx
	in	al, dx
	mov	[di], al
	inc	di
	cmp	di, BDA_FD_RESULT + 7
	jb	.next
.done:
	pop	di
	ret

; Takes the results of a data command. AH = status for them.
fdc_results:
	call	fdc_receive
	mov	ah, DISK_OK
	test	byte [BDA_FD_RESULT], 0xc0
	jz	.return
	mov	ah, DISK_TIMEOUT
	test	byte [BDA_FD_RESULT], 0x08	; not ready
	jnz	.return
	mov	al, [BDA_FD_RESULT + 1]
	mov	bx, .errors
.next:
	mov	ah, [cs:bx + 1]
	cmp	byte [cs:bx], 0
	je	.return
	test	al, [cs:bx]
	jnz	.return
	add	bx, 2
	jmp	.next
.return:
	ret
.errors:				; bit of ST1, status
	db	0x02, DISK_PROTECTED
	db	0x20, DISK_BAD_CRC
	db	0x10, DISK_OVERRUN
	db	0x80, DISK_NOT_FOUND
	db	0x04, DISK_NOT_FOUND
	db	0x01, DISK_NO_MARK
	db	0x00, DISK_CONTROLLER

; IRQ 6 sets bit 7 of BDA_FD_CALIBRATED.
irq6:
	push	ax
	push	ds
	push	BDA_SEG
	pop	ds
	or	byte [BDA_FD_CALIBRATED], 0x80
	mov	al, PIC_EOI
	out	PIC1_CMD, al
	pop	ds
	pop	ax
	iret

; Before a command: no interrupt seen yet.
irq6_expect:
	and	byte [BDA_FD_CALIBRATED], 0x7f
	ret

; Sleeps until it has come; CF set after two seconds without.
irq6_wait:
	push	eax
	mov	eax, [BDA_TICKS]
	add	eax, 37
.again:
	cli
	test	byte [BDA_FD_CALIBRATED], 0x80
	jnz	.came
	sti
	hlt
	cmp	[BDA_TICKS], eax
	jb	.again
	pop	eax
	stc
	ret
.came:
	and	byte [BDA_FD_CALIBRATED], 0x7f
	sti
	pop	eax
	clc
	ret

; Resets the controller; no drive knows its track afterwards.
fdc_reset:
	and	byte [BDA_FD_CALIBRATED], 0x70
	mov	dx, FDC_DOR
	mov	al, 0x08		; reset, interrupts and DMA on
	out	dx, al
	mov	al, 0x0c
	out	dx, al
	and	byte [BDA_FD_MOTOR], 0xf0
	mov	byte [BDA_FD_MOTOR_OFF], 0
	mov	ecx, 10000		; the interrupt after a reset: one sense for each drive
.wait:
	test	byte [BDA_FD_CALIBRATED], 0x80
	jnz	.came
	mov	dx, FDC_MSR
	in	al, dx
	dec	ecx
	jnz	.wait
.came:
	mov	cx, 4
.sense:
	push	cx
	call	fdc_sense
	pop	cx
	loop	.sense
	and	byte [BDA_FD_CALIBRATED], 0x7f

; Sends SPECIFY from the table of INT 1E.
fdc_specify:
	push	es
	call	dpt_pointer
	mov	al, FDC_SPECIFY
	call	fdc_send
	mov	al, [es:bx + DPT_SPECIFY]
	call	fdc_send
	mov	al, [es:bx + DPT_SPECIFY + 1]
	call	fdc_send
	pop	es
	ret

; ES:BX = the table of INT 1E.
dpt_pointer:
	xor	bx, bx
	mov	es, bx
	les	bx, [es:0x1e * 4]
	ret
