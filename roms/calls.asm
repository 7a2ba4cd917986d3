; The system calls: INT 80h. EBP = frame; a call's answer goes to the frame's EAX.

section kernel

system_call:
	inc	dword [count_calls]
	mov	esi, [current]
	mov	eax, [ebp + frame.eax]
	cmp	eax, CALLS
	jae	.unknown
	bts	[esi + thread.calls_seen], eax	; the first of each kind is worth a line
	jc	.seen
	push	eax
	mov	edx, [call_names + eax * 4]
	FORMAT	"%t  %c   3   INT    80  %14sserved", [story], [esi + thread.name], edx
	mov	ah, COLOR_CALL
	call	log
	mov	esi, [current]
	pop	eax
.seen:
	mov	ebx, [ebp + frame.ebx]
	mov	ecx, [ebp + frame.ecx]
	mov	edx, [ebp + frame.edx]
	jmp	[call_table + eax * 4]
.unknown:
	mov	dword [ebp + frame.eax], -1
	ret

; Copies the text at EBX to `said`, numbers in place of % and &: `said` has room for a pane's line, and
; only what lies in the program's own image is read.
call_say:
	mov	edi, said
.next:
	lea	eax, [ebx - PROGRAM]
	cmp	eax, 0x10000
	jae	.end
	mov	eax, ebx
	push	ebx
	mov	ebx, [esi + thread.cr3]
	call	translate			; is there a page?
	pop	ebx
	test	eax, eax
	jz	.end
	mov	al, [ebx]
	inc	ebx
	cmp	al, '%'
	je	.decimal
	cmp	al, '&'
	je	.hex
	test	al, al
	jz	.end
	stosb
.more:
	cmp	edi, said + PANE_WIDTH
	jb	.next
.end:
	mov	byte [edi], 0
	mov	edx, said
	mov	ah, [esi + thread.color]
	jmp	pane_line
.decimal:
	push	esi
	FORMAT	"%d", ecx
	jmp	.number
.hex:
	push	esi
	FORMAT	"%8x", ecx
.number:
	mov	ecx, edx			; the next number
.digit:
	lodsb
	test	al, al
	jz	.digits_end
	stosb
	jmp	.digit
.digits_end:
	pop	esi
	jmp	.more

call_sleep:
	jmp	thread_sleep

; Both programs meet here; the second to come opens the chapter.
call_chapter:
	inc	dword [arrived]
	mov	eax, [living]
	cmp	[arrived], eax
	jae	.all
	mov	dword [esi + thread.state], THREAD_WAITING
	mov	byte [reschedule], 1
	ret
.all:
	mov	dword [arrived], 0
	mov	eax, ebx
	dec	eax
	cmp	eax, CHAPTERS
	jae	.sleep
	FORMAT	"%s", [chapter_texts + eax * 4]
	mov	ah, COLOR_BRIGHT
	call	draw_story
	call	clear_bars
	call	serial_line
.sleep:
	mov	ebx, CHAPTER_PAUSE
	call	thread_sleep
	mov	esi, [esi + thread.peer]
	cmp	dword [esi + thread.state], THREAD_WAITING
	jne	.done
	mov	dword [esi + thread.state], THREAD_ASLEEP
	mov	[esi + thread.wake], eax
.done:
	ret

; Each check counts once, and a second answer to it does not turn a failure into a pass.
call_check:
	cmp	ebx, CHECKS
	jae	.done
	cmp	byte [verdicts + ebx], 0
	jne	.done
	mov	al, VERDICT_PASSED
	cmp	ecx, edx
	je	.verdict
	mov	al, VERDICT_FAILED
.verdict:
	mov	[verdicts + ebx], al
	mov	edi, [check_names + ebx * 4]
	cmp	al, VERDICT_PASSED
	jne	.failed
	inc	dword [count_passed]
	inc	ebx
	FORMAT	"ok   %2d %s", ebx, edi
	call	serial_line
	jmp	draw_checks
.failed:
	inc	dword [count_failed]
	inc	ebx
	FORMAT	"FAIL %2d %s: %x, should be %x", ebx, edi, ecx, edx
	call	serial_line
	mov	ah, COLOR_REFUSED
	call	log
	jmp	draw_checks
.done:
	ret

call_ask:
	cmp	ebx, ASKS
	jae	.done
	mov	edi, [esi + thread.peer]
	call	[ask_table + ebx * 4]
	mov	[ebp + frame.eax], eax
.done:
	ret

; These answer in EAX; ESI = this thread, EDI = the other, ECX = argument.
ask_peer_frame:
	mov	ebx, [edi + thread.cr3]
	jmp	ask_any_frame
ask_frame:
	mov	ebx, [esi + thread.cr3]
ask_any_frame:
	mov	eax, ecx
	jmp	translate
ask_zero_frames:
	mov	eax, [esi + thread.zero_frames]
	ret
ask_preempted:
	mov	eax, [esi + thread.preempted]
	ret
ask_trap:
	xor	eax, eax
	xchg	eax, [esi + thread.trap]
	ret
ask_peer_alive:
	mov	eax, [edi + thread.state]
	ret
ask_peer_fatal:
	mov	eax, [edi + thread.fatal]
	ret
ask_peer_address:
	mov	eax, [edi + thread.fatal_address]
	ret
ask_canary:
	mov	eax, [canary]
	ret

call_bar:
	mov	[esi + thread.bar_done], ebx
	mov	[esi + thread.bar_total], ecx
	jmp	draw_bar

call_exit:
	jmp	thread_end

section kdata
align 4
call_table:
	dd	call_say, call_sleep, call_chapter, call_check, call_ask, call_bar, call_exit
ask_table:
	dd	ask_frame, ask_peer_frame, ask_zero_frames, ask_preempted, ask_trap
	dd	ask_peer_alive, ask_peer_fatal, ask_peer_address, ask_canary

call_names:
	TEXT	"say"
	TEXT	"sleep"
	TEXT	"chapter"
	TEXT	"check"
	TEXT	"ask"
	TEXT	"bar"
	TEXT	"exit"
chapter_texts:
	TEXT	"1  Same address, two worlds: a page is shared until somebody writes to it"
	TEXT	"2  Pages on demand: an absent page faults, the kernel gives a frame of zeros"
	TEXT	"3  Time slices: both compute; the timer takes the processor from each in turn"
	TEXT	"4  Privileged instructions in ring 3: refused, named and skipped"
	TEXT	"5  Rings 1 and 2: services behind call gates, each locked into its segments"
	TEXT	"6  Sensitive, but not privileged: these tell ring 3 about ring 0 without a trap"
	TEXT	"7  Too far: B writes to the kernel's memory. B is ended, A lives on"

VERDICT_PASSED	equ 1
VERDICT_FAILED	equ 2

section checks
check_names:

section bss
count_calls:	resd 1
count_passed:	resd 1
count_failed:	resd 1
verdicts:	resb CHECKS_MAX
said:		resb PANE_WIDTH + 16
