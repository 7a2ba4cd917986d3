; INT 1A: tick count and real-time clock. IBM PC/AT Technical Reference, section 5;
; MC146818 datasheet for the clock; PCI BIOS (AH=B1) is not there and says so.

int1a:
	INT_ENTER
	cli
	movzx	bx, ah
	cmp	bl, (.table_end - .table) / 2
	jae	.unknown
	shl	bx, 1
	CLEAR_C
	call	[cs:.table + bx]
	jmp	.leave
.unknown:
	SET_C				; AH stays: AH=B1 back means no PCI
.leave:
	INT_LEAVE
.table:
	dw	ticks_get, ticks_set, time_get, time_set
	dw	date_get, date_set, alarm_set, alarm_off
.table_end:

; AH=00: CX:DX = ticks since midnight, AL = midnight has passed since the last call.
ticks_get:
	mov	eax, [BDA_TICKS]
	mov	[bp + F_DX], ax
	shr	eax, 16
	mov	[bp + F_CX], ax
	xor	ax, ax
	xchg	al, [BDA_MIDNIGHT]
	mov	[bp + F_AX], ax
	ret

; AH=01.
ticks_set:
	mov	ax, [bp + F_DX]
	mov	[BDA_TICKS], ax
	mov	ax, [bp + F_CX]
	mov	[BDA_TICKS + 2], ax
	mov	byte [BDA_MIDNIGHT], 0
	mov	byte [bp + F_AH], 0
	ret

; Waits until the clock is not between two seconds; CF set when it does not run.
rtc_wait_stable:
	push	cx
	push	ax
	mov	cx, 0xffff
.poll:
	mov	al, CMOS_STATUS_A
	call	cmos_read
	test	al, 0x80
	jz	.stable
	loop	.poll
	pop	ax
	pop	cx
	stc
	ret
.stable:
	pop	ax
	pop	cx
	clc
	ret

; AH=02: CH:CL:DH = hours, minutes, seconds in BCD, DL = daylight saving.
time_get:
	call	rtc_wait_stable
	jc	rtc_dead
	mov	al, 0x04
	call	cmos_read
	mov	[bp + F_CH], al
	mov	al, 0x02
	call	cmos_read
	mov	[bp + F_CL], al
	mov	al, CMOS_SEC
	call	cmos_read
	mov	[bp + F_DH], al
	mov	al, CMOS_STATUS_B
	call	cmos_read
	and	al, 1
	mov	[bp + F_DL], al
	mov	al, [bp + F_CH]
	mov	[bp + F_AL], al
	mov	byte [bp + F_AH], 0
	ret
rtc_dead:
	SET_C
	ret

; AH=03.
time_set:
	call	rtc_hold
	mov	al, 0x04
	mov	ah, [bp + F_CH]
	call	cmos_write
	mov	al, 0x02
	mov	ah, [bp + F_CL]
	call	cmos_write
	mov	al, CMOS_SEC
	mov	ah, [bp + F_DH]
	call	cmos_write
	mov	al, CMOS_STATUS_B
	call	cmos_read
	and	al, 0x7e		; run, without daylight saving
	mov	ah, [bp + F_DL]
	and	ah, 1
	or	ah, al
	mov	al, CMOS_STATUS_B
	call	cmos_write
	mov	byte [bp + F_AH], 0
	ret

; Stops the clock while it is set.
rtc_hold:
	mov	al, CMOS_STATUS_B
	call	cmos_read
	mov	ah, al
	or	ah, 0x80
	mov	al, CMOS_STATUS_B
	jmp	cmos_write

; AH=04: CH CL = century, year; DH DL = month, day; all BCD.
date_get:
	call	rtc_wait_stable
	jc	rtc_dead
	mov	al, CMOS_CENTURY
	call	cmos_read
	mov	[bp + F_CH], al
	mov	al, 0x09
	call	cmos_read
	mov	[bp + F_CL], al
	mov	al, 0x08
	call	cmos_read
	mov	[bp + F_DH], al
	mov	al, 0x07
	call	cmos_read
	mov	[bp + F_DL], al
	mov	byte [bp + F_AH], 0
	ret

; AH=05.
date_set:
	call	rtc_hold
	mov	al, CMOS_CENTURY
	mov	ah, [bp + F_CH]
	call	cmos_write
	mov	al, 0x09
	mov	ah, [bp + F_CL]
	call	cmos_write
	mov	al, 0x08
	mov	ah, [bp + F_DH]
	call	cmos_write
	mov	al, 0x07
	mov	ah, [bp + F_DL]
	call	cmos_write
	mov	al, CMOS_STATUS_B
	call	cmos_read
	mov	ah, al
	and	ah, 0x7f
	mov	al, CMOS_STATUS_B
	call	cmos_write
	mov	byte [bp + F_AH], 0
	ret

; AH=06: INT 4A at CH:CL:DH. CF set when an alarm is set already.
alarm_set:
	mov	al, CMOS_STATUS_B
	call	cmos_read
	test	al, 0x20
	jnz	rtc_dead
	mov	ah, [bp + F_CH]
	mov	al, 0x05
	call	cmos_write
	mov	ah, [bp + F_CL]
	mov	al, 0x03
	call	cmos_write
	mov	ah, [bp + F_DH]
	mov	al, 0x01
	call	cmos_write
	mov	cl, 0x20
	jmp	rtc_interrupt_on

; AH=07.
alarm_off:
	mov	cl, 0x20
	jmp	rtc_interrupt_off

; Turns on the clock's interrupt with bit CL of status B, and IRQ 8.
rtc_interrupt_on:
	mov	al, CMOS_STATUS_B
	call	cmos_read
	mov	ah, al
	or	ah, cl
	and	ah, 0x7f
	mov	al, CMOS_STATUS_B
	call	cmos_write
	mov	al, CMOS_STATUS_C	; forget what was pending
	call	cmos_read
	in	al, PIC2_DATA
	and	al, 0xfe
	out	PIC2_DATA, al
	ret

rtc_periodic_off:
	mov	cl, 0x40
rtc_interrupt_off:
	mov	al, CMOS_STATUS_B
	call	cmos_read
	not	cl
	mov	ah, al
	and	ah, cl
	mov	al, CMOS_STATUS_B
	jmp	cmos_write
