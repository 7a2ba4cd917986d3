; INT 15: system services: which function is where, and the small ones. Memory is in
; int15_memory.asm, the mouse in int15_mouse.asm, power in int15_apm.asm.
; Ralf Brown's INT 15; IBM PC/AT Technical Reference, section 5.

int15:
	cmp	ah, 0x4f		; keyboard intercept: called for every key
	je	.intercept
	INT_ENTER
	push	fs
	push	gs
	mov	si, .table
.next:
	cmp	byte [cs:si], 0xff
	je	.unknown
	cmp	ah, [cs:si]
	je	.found
	add	si, 3
	jmp	.next
.found:
	call	[cs:si + 1]
	jmp	.leave
.unknown:
	mov	byte [bp + F_AH], 0x86
	SET_C
.leave:
	pop	gs
	pop	fs
	INT_LEAVE
.intercept:				; unchanged: "process this key"
	push	bp
	mov	bp, sp
	or	byte [bp + 6], FLAG_C
	pop	bp
	iret

%macro FN15 2
	db	%1
	dw	%2
%endmacro
.table:
	FN15	0x90, device_wait
	FN15	0x91, device_done
	FN15	0xc2, mouse_service
	FN15	0x53, apm_service
	FN15	0xe8, memory_map_service
	FN15	0x87, block_move
	FN15	0x88, memory_88
	FN15	0x24, a20_service
	FN15	0x86, wait_service
	FN15	0x83, wait_event
	FN15	0x84, joystick
	FN15	0x89, protected_mode
	FN15	0x80, accept
	FN15	0x81, accept
	FN15	0x82, accept
	FN15	0x85, accept
	FN15	0xc0, config_service
	FN15	0xc1, ebda_service
	db	0xff

; Hooks for operating systems: device open, close, program end, SysReq, device done.
accept:
device_done:
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret

; AH=90: nobody else to run; CF clear: go on and wait yourself.
device_wait:
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret

; AH=84: no joystick port.
joystick:
	mov	byte [bp + F_AH], 0x86
	SET_C
	ret

; AH=C0: ES:BX = configuration table.
config_service:
	mov	[bp + F_ES], cs
	mov	word [bp + F_BX], config_table
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret

; AH=C1: ES = EBDA.
ebda_service:
	mov	ax, [BDA_EBDA]
	mov	[bp + F_ES], ax
	CLEAR_C
	ret

; AH=86: waits CX:DX microseconds, asleep, on the clock's 1024 Hz interrupt.
wait_service:
	cmp	byte [BDA_WAIT_ACTIVE], 0
	jne	wait_busy
	mov	word [BDA_WAIT_FLAG], BDA_WAIT_ACTIVE
	mov	word [BDA_WAIT_FLAG + 2], BDA_SEG
	call	wait_start
.sleep:
	cli
	test	byte [BDA_WAIT_ACTIVE], 0x80
	jnz	.over
	sti
	hlt
	jmp	.sleep
.over:
	mov	byte [BDA_WAIT_ACTIVE], 0
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret
wait_busy:
	mov	byte [bp + F_AH], 0x83
	SET_C
	ret

; AH=83: AL=00: bit 7 of the byte at ES:BX is set after CX:DX microseconds; AL=01: not any more.
wait_event:
	cli
	cmp	al, 1
	je	.cancel
	cmp	byte [BDA_WAIT_ACTIVE], 0
	jne	wait_busy
	mov	ax, [bp + F_BX]
	mov	[BDA_WAIT_FLAG], ax
	mov	ax, [bp + F_ES]
	mov	[BDA_WAIT_FLAG + 2], ax
	call	wait_start
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret
.cancel:
	call	rtc_periodic_off
	mov	byte [BDA_WAIT_ACTIVE], 0
	mov	byte [bp + F_AH], 0
	CLEAR_C
	ret

; Starts counting down the caller's CX:DX microseconds.
wait_start:
	cli
	mov	ax, [bp + F_CX]
	shl	eax, 16
	mov	ax, [bp + F_DX]
	mov	[BDA_WAIT_COUNT], eax
	mov	byte [BDA_WAIT_ACTIVE], 1
	mov	ax, 0x2600 | CMOS_STATUS_A
	call	cmos_write
	mov	cl, 0x40
	jmp	rtc_interrupt_on
