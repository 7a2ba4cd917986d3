; INT 15 AH=53: Advanced Power Management 1.2 (Intel and Microsoft, February 1996), sections
; 4.6 and 4.7: enough to turn the machine off and to sleep until the next interrupt. The same
; services are reached by a far call from 16- and 32-bit protected mode.
;
; NOT IMPLEMENTED: standby and suspend (AX=5307 refuses them), events, timers (AX=5311-5314).

APM_VERSION		equ	0x0102
APM_FLAGS		equ	0x0003	; 16-bit and 32-bit interfaces
APM_ERR_DISABLED	equ	0x01
APM_ERR_CONNECTED	equ	0x02
APM_ERR_NOT_CONNECTED	equ	0x03
APM_ERR_DEVICE		equ	0x09
APM_ERR_RANGE		equ	0x0a
APM_ERR_STATE		equ	0x60
APM_ERR_NO_EVENT	equ	0x80
APM_ERR_FUNCTION	equ	0x0c

; From INT 15: the registers are the caller's, in the frame.
apm_service:
	mov	fs, [BDA_EBDA]
	cmp	al, 0x04
	jbe	.connections
	mov	bx, [bp + F_BX]
	mov	cx, [bp + F_CX]
	mov	dx, [bp + F_DX]
	mov	si, [bp + F_SI]
	call	apm_core_16
	mov	[bp + F_BX], bx
	mov	[bp + F_CX], cx
	mov	[bp + F_DX], dx
	mov	[bp + F_SI], si
	jmp	.answer
.connections:
	movzx	bx, al
	shl	bx, 1
	call	[cs:.table + bx]
.answer:
	mov	[bp + F_AX], ax		; keeps the carry flag, CLEAR_C does not
	jc	.error
	CLEAR_C
	jmp	.ok
.error:
	SET_C
.ok:
	ret
.table:
	dw	apm_check, apm_connect_real, apm_connect_16, apm_connect_32, apm_disconnect

; These return the caller's AX and carry flag.
apm_check:
	mov	word [bp + F_BX], "MP"	; BH = 'P', BL = 'M'
	mov	word [bp + F_CX], APM_FLAGS
	mov	ax, APM_VERSION
	clc
	ret

apm_connect_real:
	mov	ah, 1
	jmp	apm_connect
apm_connect_16:
	mov	word [bp + F_BX], apm_entry_16
	mov	ax, cs
	mov	[bp + F_CX], ax		; data: our own segment will do
	mov	dword [bp + F_ESI], 0x0000ffff
	mov	word [bp + F_DI], 0xffff
	mov	ah, 2
	call	apm_connect
	jc	.return
	mov	ax, cs
.return:
	ret
apm_connect_32:
	mov	dword [bp + F_EBX], apm_entry_32
	mov	ax, cs
	mov	[bp + F_CX], ax		; 16-bit code
	mov	[bp + F_DX], ax		; data
	mov	dword [bp + F_ESI], 0xffffffff	; both code lengths
	mov	word [bp + F_DI], 0xffff
	mov	ah, 3
	call	apm_connect
	jc	.return
	mov	ax, cs
.return:
	ret

; Connects as AH: 1 real mode, 2 16-bit, 3 32-bit.
apm_connect:
	cmp	byte [fs:EBDA_APM], 0
	jne	.already
	mov	[fs:EBDA_APM], ah
	xor	ax, ax
	ret
.already:
	mov	ah, APM_ERR_CONNECTED
	stc
	ret

apm_disconnect:
	cmp	byte [fs:EBDA_APM], 0
	je	.not
	mov	byte [fs:EBDA_APM], 0
	xor	ax, ax
	ret
.not:
	mov	ah, APM_ERR_NOT_CONNECTED
	stc
	ret

; The services, in registers only, so that the same text assembles for every mode. AL =
; function; CF clear, or set with the error in AH.
%macro APM_CORE 0
	cmp	al, 0x05
	je	%%idle
	cmp	al, 0x06
	je	%%done
	cmp	al, 0x07
	je	%%set_state
	cmp	al, 0x08
	je	%%done			; enable, disable: nothing is managed anyway
	cmp	al, 0x09
	je	%%done
	cmp	al, 0x0a
	je	%%status
	cmp	al, 0x0b
	je	%%no_event
	cmp	al, 0x0c
	je	%%state
	cmp	al, 0x0d
	je	%%done
	cmp	al, 0x0e
	je	%%version
	cmp	al, 0x0f
	je	%%done
	cmp	al, 0x10
	je	%%capabilities
	cmp	al, 0x04
	je	%%done
	mov	ah, APM_ERR_FUNCTION
	stc
	ret
%%idle:
	sti
	hlt
%%done:
	mov	ah, 0
	clc
	ret
%%set_state:
	cmp	cx, 3
	jne	%%refuse
	cmp	bx, 1			; all devices
	jne	%%device
	mov	dx, POWER_PORT
	mov	al, 'S'
	out	dx, al
	mov	al, 'h'
	out	dx, al
	mov	al, 'u'
	out	dx, al
	mov	al, 't'
	out	dx, al
	mov	al, 'd'
	out	dx, al
	mov	al, 'o'
	out	dx, al
	mov	al, 'w'
	out	dx, al
	mov	al, 'n'
	out	dx, al
	mov	dx, POWER_PORT_PM1
	mov	ax, 0x2000
	out	dx, ax
	cli
%%off:
	hlt
	jmp	%%off
%%refuse:
	cmp	cx, 0			; "ready" is what everything always is
	je	%%done
	mov	ah, APM_ERR_STATE
	cmp	cx, 4
	jb	%%error
	mov	ah, APM_ERR_RANGE
%%error:
	stc
	ret
%%device:
	mov	ah, APM_ERR_DEVICE
	stc
	ret
%%status:				; on the mains, no battery
	mov	bx, 0x01ff
	mov	cx, 0x80ff
	mov	dx, 0xffff
	mov	si, 0
	jmp	%%done
%%no_event:
	mov	ah, APM_ERR_NO_EVENT
	stc
	ret
%%state:
	mov	cx, 0
	jmp	%%done
%%version:
	mov	ax, APM_VERSION
	clc
	ret
%%capabilities:
	mov	bl, 0			; batteries
	mov	cx, 0
	jmp	%%done
%endmacro

apm_core_16:
	APM_CORE

; Far call from 16-bit protected mode: AH=53.
apm_entry_16:
	call	apm_core_16
	retf

	bits	32
apm_core_32:
	APM_CORE
; Far call from 32-bit protected mode.
apm_entry_32:
	call	apm_core_32
	retf
	bits	16
