; Ways into the kernel: the interrupt descriptor table, the entry code, the timer and the keyboard.
; All gates are interrupt gates: the kernel is not interrupted, save in its idle loop. SDM vol 3 ch. 6.

section kernel

; Vectors 0 to 2Fh; some exceptions push an error code, for the others we do, so that frames are alike.
%assign vector 0
%rep 48
align 16
%if vector = 0
entries:
%endif
%if !(vector = 8 || (vector >= 10 && vector <= 14) || vector = 17)
	push	dword 0
%endif
	push	dword vector
	jmp	strict near entry
%assign vector vector + 1
%endrep
align 16
entry_80:
	push	dword 0
	push	dword 0x80
entry:
	pushad
	push	ds
	push	es
	push	fs
	push	gs
	mov	eax, KERNEL_DS
	mov	ds, ax
	mov	es, ax
	cld
	mov	ebp, esp
	mov	eax, [ebp + frame.vector]
	mov	ebx, system_call
	cmp	eax, 0x80
	je	.handle
	mov	ebx, [handlers + eax * 4]
.handle:
	call	ebx
	cmp	byte [reschedule], 0
	je	leave_kernel
	mov	byte [reschedule], 0
	call	schedule
leave_kernel:
	pop	gs
	pop	fs
	pop	es
	pop	ds
	popad
	add	esp, 8
	iretd

traps_init:
	mov	eax, entries
	mov	ebx, idt
	mov	ecx, 48
.gate:
	call	set_gate
	add	eax, 16
	add	ebx, 8
	loop	.gate
	mov	eax, entry_80
	mov	ebx, idt + 0x80 * 8
	call	set_gate
	or	byte [ebx + 5], 0x60		; DPL 3: programs may call it
	lidt	[idtr]
	ret

; The gate at EBX leads to EAX, for ring 0 only.
set_gate:
	mov	[ebx], ax
	mov	word [ebx + 2], KERNEL_CS
	mov	word [ebx + 4], 0x8e00
	push	eax
	shr	eax, 16
	mov	[ebx + 6], ax
	pop	eax
	ret

; ECX = the ring that the trap came from.
ring_of_trap:
	mov	ecx, [ebp + frame.cs]
	and	ecx, 3
	ret

; EAX = ring << 24 | vector << 16 | error code.
trap_word:
	mov	eax, [ebp + frame.cs]
	and	eax, 3
	shl	eax, 8
	or	eax, [ebp + frame.vector]
	shl	eax, 16
	mov	ax, [ebp + frame.error]
	ret

; An exception that nobody expects ends a program; in the kernel it ends everything.
unexpected:
	call	ring_of_trap
	test	ecx, ecx
	jz	.kernel
	mov	esi, [current]
	FORMAT	"%t  %c   %d   %3d  %4x  eip %8x  %c is ended", [story], [esi + thread.name], ecx, \
		[ebp + frame.vector], [ebp + frame.error], [ebp + frame.eip], [esi + thread.name]
	mov	ah, COLOR_REFUSED
	call	log
	jmp	thread_end_by_trap
.kernel:
	STRING	esi, "unexpected exception in the kernel"
panic_trap:
	push	esi
	FORMAT	"vector %d error %4x eip %8x cs %4x", [ebp + frame.vector], [ebp + frame.error], \
		[ebp + frame.eip], [ebp + frame.cs]
	call	serial_line
	pop	esi
; The end, with the reason at ESI.
panic:
	cli
	FORMAT	"Umbra86 demo: kernel panic: %s", esi
	mov	ah, COLOR_BAD_END
	call	draw_story
	call	serial_line
	jmp	end_badly

; ---- the timer: story time, sleepers, time slices ----
timer:
	mov	al, 0x20
	out	0x20, al
	inc	dword [ticks]
	mov	eax, [speed]
	cmp	byte [paused], 0
	je	.runs
	xor	eax, eax
.runs:
	add	[story], eax
	call	wake_sleepers
	test	byte [ticks], 3
	jnz	.slice
	call	draw_live
.slice:
	mov	byte [reschedule], 1
	ret

; A shared line, or one that fell before it was seen: nothing to do.
stray:
	mov	al, 0x20
	cmp	dword [ebp + frame.vector], 0x28
	jb	.master
	out	0xa0, al
.master:
	out	0x20, al
	ret

; ---- the keyboard: scan codes of set 1, as the 8042 translates them ----
keyboard:
	in	al, 0x60
	mov	bl, al
	mov	al, 0x20
	out	0x20, al
	cmp	bl, 0x80
	jae	.done				; a key let go
	cmp	bl, 0x39
	je	.pause
	cmp	bl, 0x10			; q
	je	power_off
	cmp	bl, 0x13			; r
	je	restart
	cmp	bl, 0x1f			; s
	je	.stay
	cmp	bl, 0x02			; 1 to 9
	jb	.done
	cmp	bl, 0x0a
	ja	.done
	movzx	ebx, bl
	mov	[speed_key], ebx
	dec	dword [speed_key]
	movzx	eax, byte [speeds + ebx - 2]
	mov	[speed], eax
	jmp	draw_live
.pause:
	xor	byte [paused], 1
	mov	byte [reschedule], 1
	jmp	draw_live
.stay:
	xor	byte [stay], 1
	jmp	draw_live
.done:
	ret

section kdata
align 4
handlers:
	times 13 dd unexpected
	dd	general_protection, page_fault
	times 17 dd unexpected
	dd	timer, keyboard
	times 14 dd stray
idtr:	dw	0x81 * 8 - 1
	dd	idt
speed:	dd	NORMAL				; eighths of a tick of story time in a tick
speed_key: dd	5
speeds:	db	2, 3, 4, 6, NORMAL, 12, 16, 32, 64

section bss
		resb ($$ - $) & 7
idt:		resb 0x81 * 8
ticks:		resd 1
story:		resd 1				; story time, in eighths of a tick
paused:		resb 1
stay:		resb 1
reschedule:	resb 1
		resb ($$ - $) & 3
