; Threads: two programs and the idle loop, round robin, switched by the timer or when one has to wait.

section kernel

threads_init:
	call	frame_new
	mov	[letter], eax
	mov	edi, eax
	mov	esi, letter_text
	mov	ecx, letter_text_end - letter_text
	rep movsb

	mov	edi, thread_a
	mov	esi, KERNEL - 512 + section.prog_a.start
	mov	ecx, PROGRAM_A_SIZE
	call	thread_new
	mov	edi, thread_b
	mov	esi, KERNEL - 512 + section.prog_b.start
	mov	ecx, PROGRAM_B_SIZE
	call	thread_new
	mov	eax, [letter]			; only the two spaces hold it now
	call	frame_drop
	mov	dword [living], 2
	mov	dword [current], thread_idle
	ret

; Thread EDI gets a space for the program at ESI, ECX bytes, and a kernel stack from which `schedule`
; returns into ring 3.
thread_new:
	push	edi
	call	space_new
	pop	edi
	mov	[edi + thread.cr3], ebx
	mov	dword [edi + thread.state], THREAD_READY
	mov	ebp, [edi + thread.esp0]
	sub	ebp, frame_size			; (the stack is zero: so are all registers)
	mov	dword [ebp + frame.ss], USER_DS
	mov	dword [ebp + frame.esp], STACK_TOP
	mov	dword [ebp + frame.eflags], EFLAGS_IF | 2
	mov	dword [ebp + frame.cs], USER_CS
	mov	dword [ebp + frame.eip], PROGRAM
	mov	dword [ebp + frame.ds], USER_DS
	mov	dword [ebp + frame.es], USER_DS
	mov	dword [ebp - 4], leave_kernel
	sub	ebp, 4 + 32			; what `schedule` pops
	mov	[edi + thread.kernel_esp], ebp
	ret

; Sleepers whose time has come become ready.
wake_sleepers:
	mov	esi, thread_a
	call	.one
	mov	esi, thread_b
.one:
	cmp	dword [esi + thread.state], THREAD_ASLEEP
	jne	.done
	mov	eax, [story]
	cmp	eax, [esi + thread.wake]
	jb	.done
	mov	dword [esi + thread.state], THREAD_READY
.done:
	ret

; The current thread sleeps for EBX ticks of story time.
thread_sleep:
	mov	esi, [current]
	lea	eax, [ebx * NORMAL]
	add	eax, [story]
	mov	[esi + thread.wake], eax
	mov	dword [esi + thread.state], THREAD_ASLEEP
	mov	byte [reschedule], 1
	ret

; Gives the processor to the next ready thread: the other program, else this one, else the idle loop.
schedule:
	mov	esi, [current]
	mov	edi, thread_idle
	cmp	byte [paused], 0
	jne	.chosen
	mov	eax, [esi + thread.peer]
	cmp	dword [eax + thread.state], THREAD_READY
	je	.other
	mov	eax, esi
	cmp	esi, thread_idle
	jne	.self
	mov	eax, thread_a			; the idle loop's peer is B
.self:
	cmp	dword [eax + thread.state], THREAD_READY
	jne	.chosen
.other:
	mov	edi, eax
.chosen:
	cmp	edi, esi
	je	.same
	inc	dword [count_switches]
	cmp	dword [esi + thread.state], THREAD_READY
	jne	.switch
	cmp	esi, thread_idle
	je	.switch
	inc	dword [esi + thread.preempted]
	inc	dword [count_preempted]
.switch:
	pushad
	mov	[esi + thread.kernel_esp], esp
	mov	[current], edi
	mov	eax, [edi + thread.cr3]
	mov	cr3, eax
	mov	eax, [edi + thread.esp0]
	mov	[the_tss + tss.esp0], eax
	mov	eax, [edi + thread.esp1]
	mov	[the_tss + tss.esp1], eax
	mov	eax, [edi + thread.esp2]
	mov	[the_tss + tss.esp2], eax
	mov	esp, [edi + thread.kernel_esp]
	popad
.same:
	ret

; A trap has ended the current program.
thread_end_by_trap:
	mov	esi, [current]
	call	trap_word
	mov	[esi + thread.fatal], eax
	mov	ecx, [esi + thread.name]
	FORMAT	"program %c is ended by the kernel: vector %d, error code %4x", ecx, \
		[ebp + frame.vector], [ebp + frame.error]
	call	serial_line
; The current program is over: its memory goes back, and the other need not wait for it.
thread_end:
	mov	esi, [current]
	mov	ebx, [esi + thread.cr3]
	mov	dword [esi + thread.cr3], 0
	mov	dword [esi + thread.state], THREAD_DEAD
	dec	dword [living]
	push	esi
	call	space_free
	pop	esi
	STRING	edx, "(ended; its frames are free again)"
	mov	ah, COLOR_DIM
	call	pane_line
	mov	eax, [esi + thread.peer]
	cmp	dword [eax + thread.state], THREAD_WAITING
	jne	.alone
	mov	dword [eax + thread.state], THREAD_READY
	mov	dword [arrived], 0
.alone:
	mov	byte [reschedule], 1
	ret

section kdata
letter_text:	db "To both of you: good morning.", 0
letter_text_end:

; The threads. What is not named here is zero.
%macro THREAD 8		; label, state, name, colour, column, peer, stacks of ring 0 and of rings 1 and 2
%1:
	istruc thread
	at thread.state,	dd %2
	at thread.cr3,		dd kernel_directory
	at thread.esp0,		dd %7
	at thread.esp1,		dd %8
	at thread.esp2,		dd %8
	at thread.name,		dd %3
	at thread.color,	dd %4
	at thread.column,	dd %5
	at thread.peer,		dd %6
	iend
%endmacro

align 4
	THREAD	thread_idle, THREAD_READY, '-', COLOR_DIM, 0, thread_b, idle_stack_top, 0
	THREAD	thread_a, THREAD_DEAD, 'A', COLOR_A, 2, thread_b, stack_a_top, RING_WORLD / 2
	THREAD	thread_b, THREAD_DEAD, 'B', COLOR_B, 42, thread_a, stack_b_top, RING_WORLD

section bss
current:	resd 1
living:		resd 1
arrived:	resd 1				; programs that wait at a chapter
count_switches:	resd 1
count_preempted: resd 1
		resb 2048
stack_a_top:
		resb 2048
stack_b_top:
