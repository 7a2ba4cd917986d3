; Hardware interrupts that need little, CPU faults nobody took, and the smallest services:
; INT 05 print screen, 11 equipment, 12 memory size, 17 printer.
; Ralf Brown's INTERRUP.LST under the numbers named at each routine.

; INT 08, IRQ 0: count the ticks, stop the floppy motors in time, then the user's INT 1C.
irq0:
	push	eax
	push	dx
	push	ds
	push	BDA_SEG
	pop	ds
	inc	dword [BDA_TICKS]
	cmp	dword [BDA_TICKS], 0x1800b0	; ticks in 24 hours
	jb	.same_day
	mov	dword [BDA_TICKS], 0
	mov	byte [BDA_MIDNIGHT], 1
.same_day:
	cmp	byte [BDA_FD_MOTOR_OFF], 0
	je	.motors_off
	dec	byte [BDA_FD_MOTOR_OFF]
	jnz	.motors_off
	and	byte [BDA_FD_MOTOR], 0xf0
	mov	dx, FDC_DOR
	mov	al, 0x0c		; DMA and interrupt on, no reset, no motor
	out	dx, al
.motors_off:
	int	0x1c
	cli
	mov	al, PIC_EOI
	out	PIC1_CMD, al
	pop	ds
	pop	dx
	pop	eax
	iret

; INT 0C and 0D are IRQ 4 and 5, and the CPU's stack and protection faults: those come with
; nothing in service.
irq4:
	push	ax
	mov	ah, 0x10
	call	irq_in_service
	pop	ax
	jnz	irq_low
	PRINT	13, 10, "Umbra86 BIOS: stack fault"
	jmp	fault_stop
irq5:
	push	ax
	mov	ah, 0x20
	call	irq_in_service
	pop	ax
	jnz	irq_low
	PRINT	13, 10, "Umbra86 BIOS: protection fault"
	jmp	fault_stop

; ZF clear when the first 8259 has an interrupt of the mask AH in service. AL is lost.
irq_in_service:
	mov	al, 0x0b		; read the in-service register
	out	PIC1_CMD, al
	in	al, PIC1_CMD
	test	al, ah
	ret

; IRQ 2-5 and 7 without an owner: note which, mask it, go on.
irq_low:
	push	ax
	push	ds
	push	BDA_SEG
	pop	ds
	mov	al, 0x0b		; read the in-service register
	out	PIC1_CMD, al
	in	al, PIC1_CMD
	test	al, al
	jz	.spurious
	mov	[BDA_LAST_IRQ], al
	mov	ah, al
	in	al, PIC1_DATA
	and	ah, ~0x04 & 0xff	; never the cascade
	or	al, ah
	out	PIC1_DATA, al
	mov	al, PIC_EOI
	out	PIC1_CMD, al
	jmp	.done
.spurious:
	mov	byte [BDA_LAST_IRQ], 0xff
.done:
	pop	ds
	pop	ax
	iret

; The same for IRQ 10, 11.
irq_high:
	push	ax
	push	ds
	push	BDA_SEG
	pop	ds
	mov	al, 0x0b
	out	PIC2_CMD, al
	in	al, PIC2_CMD
	mov	[BDA_LAST_IRQ], al
	mov	ah, al
	in	al, PIC2_DATA
	or	al, ah
	out	PIC2_DATA, al
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	out	PIC1_CMD, al
	pop	ds
	pop	ax
	iret

; INT 70, IRQ 8: the alarm is INT 4A's, the periodic interrupt drives INT 15 AH=83 and 86.
irq8:
	push	eax
	push	ds
	push	BDA_SEG
	pop	ds
	mov	al, CMOS_STATUS_B
	call	cmos_read
	mov	ah, al
	mov	al, CMOS_STATUS_C	; reading it lets the next one come
	call	cmos_read
	and	al, ah
	test	al, 0x20
	jz	.no_alarm
	push	ax
	int	0x4a
	cli
	pop	ax
.no_alarm:
	test	al, 0x40
	jz	.end
	sub	dword [BDA_WAIT_COUNT], 976
	ja	.end
	call	rtc_periodic_off
	mov	byte [BDA_WAIT_ACTIVE], 0
	push	ds
	push	bx
	lds	bx, [BDA_WAIT_FLAG]
	or	byte [bx], 0x80
	pop	bx
	pop	ds
.end:
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	out	PIC1_CMD, al
	pop	ds
	pop	eax
	iret

; INT 71, IRQ 9: what was IRQ 2 on the PC.
irq9:
	push	ax
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	pop	ax
	int	0x0a
	iret

; INT 75, IRQ 13: an FPU error goes to INT 02, as on the PC.
irq13:
	push	ax
	xor	al, al
	out	0xf0, al		; lets the busy line go
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	out	PIC1_CMD, al
	pop	ax
	int	0x02
	iret

; INT 76, IRQ 14 and INT 77, IRQ 15: our ATA code polls; only acknowledge.
irq14:
	push	ax
	push	dx
	push	ds
	push	BDA_SEG
	pop	ds
	mov	byte [BDA_HD_DONE], 0xff
	mov	dx, 0x1f7
	jmp	irq15.status
irq15:
	push	ax
	push	dx
	push	ds
	mov	dx, 0x177
.status:
	in	al, dx			; takes the drive's request back
	mov	al, PIC_EOI
	out	PIC2_CMD, al
	out	PIC1_CMD, al
	pop	ds
	pop	dx
	pop	ax
	iret

; INT 02: nothing here can pull NMI but the FPU (INT 75), and that is the program's affair.
nmi:
	iret

; CPU faults that no program has taken. Returning would run into the same instruction again
; for ever, so say where it is and stop; Ctrl-Alt-Del still works.
fault_divide:
	PRINT	13, 10, "Umbra86 BIOS: division error"
	jmp	fault_stop
fault_opcode:
	PRINT	13, 10, "Umbra86 BIOS: invalid opcode"
	jmp	fault_stop
fault_no_fpu:
	PRINT	13, 10, "Umbra86 BIOS: no coprocessor"
fault_stop:
	mov	bp, sp
	PRINT	" at "
	mov	ax, [bp + 2]
	call	print_hex16
	PRINT	":"
	mov	ax, [bp]
	call	print_hex16
	PRINT	", system halted", 13, 10
.forever:
	sti
	hlt
	jmp	.forever

; INT 05, print screen: there is no printer to print it on. 50:0 = FF says it failed.
int05:
	push	ds
	push	0x50
	pop	ds
	mov	byte [0], 0xff
	pop	ds
	iret

; INT 11: AX = equipment.
int11:
	push	ds
	push	BDA_SEG
	pop	ds
	mov	ax, [BDA_EQUIPMENT]
	pop	ds
	iret

; INT 12: AX = KiB of conventional memory.
int12:
	push	ds
	push	BDA_SEG
	pop	ds
	mov	ax, [BDA_MEM_KB]
	pop	ds
	iret

; INT 17: every printer times out.
int17:
	cmp	ah, 2
	ja	.return
	mov	ah, 0x01
.return:
	iret
