; The screen, 80x25: a pane for each program, the log of traps, counters, checks, the chapter.
; A cell is a character of code page 437 and its colour.

section kernel

; Writes the text at ESI to EDI in colour AH, cut or padded to ECX cells. All other registers stay.
draw_text:
	pushad
.next:
	lodsb
	test	al, al
	jz	.pad
	stosw
	loop	.next
	jmp	.done
.pad:
	mov	al, ' '
	rep stosw
.done:
	popad
	ret

; A horizontal border from EDI, ECX cells: left corner, line, right corner from the three bytes at ESI.
draw_border:
	push	ecx
	mov	ah, COLOR_FRAME
	lodsb
	stosw
	lodsb
	sub	ecx, 2
	rep stosw
	lodsb
	stosw
	pop	ecx
	ret

; A box of EDX lines, borders excluded, ECX cells wide, at EDI.
draw_box:
	mov	ebx, edi
	mov	esi, box_top
	call	draw_border
.side:
	add	ebx, COLS * 2
	mov	word [ebx], COLOR_FRAME << 8 | 0xb3
	mov	word [ebx + ecx * 2 - 2], COLOR_FRAME << 8 | 0xb3
	dec	edx
	jnz	.side
	lea	edi, [ebx + COLS * 2]
	mov	esi, box_bottom
	jmp	draw_border

; Draws a label: row, column, colour, text.
%macro LABEL 4
	STRING	esi, %4
	mov	edi, AT(%1, %2)
	mov	ah, %3
	call	draw_label
%endmacro
draw_label:
	lodsb
	test	al, al
	jz	.done
	stosw
	jmp	draw_label
.done:
	ret

screen_init:
	mov	edi, VIDEO
	mov	eax, (COLOR_TEXT << 8 | ' ') * 0x10001
	mov	ecx, COLS * 25 / 2
	rep stosd
	mov	edi, AT(ROW_PANES, 0)
	mov	ecx, 40
	mov	edx, ROW_PANES_END - ROW_PANES - 1
	call	draw_box
	mov	edi, AT(ROW_PANES, 40)
	mov	edx, ROW_PANES_END - ROW_PANES - 1
	call	draw_box
	mov	edi, AT(ROW_LOG, 0)
	mov	ecx, LOG_WIDTH + 2
	mov	edx, LOG_LINES
	call	draw_box
	mov	edi, AT(ROW_LOG, LOG_WIDTH + 2)
	mov	ecx, COLS - LOG_WIDTH - 2
	mov	edx, LOG_LINES
	call	draw_box
	STRING	esi, " Umbra86 demo guest: four rings, two address spaces"
	mov	edi, AT(ROW_TITLE, 0)
	mov	ecx, COLS
	mov	ah, COLOR_TITLE
	call	draw_text
	LABEL	ROW_PANES, 2, COLOR_A, " program A "
	LABEL	ROW_PANES, 42, COLOR_B, " program B "
	LABEL	ROW_LOG, 2, COLOR_TEXT, " time who ring trap err   address, instruction "
	LABEL	ROW_LOG, LOG_WIDTH + 4, COLOR_TEXT, " the kernel's sums "
	LABEL	ROW_KEYS, 1, COLOR_TEXT, "space pause   1-9 speed   s stay at the end   r again   q power off"
	call	draw_checks
	mov	dword [current], thread_idle
	jmp	draw_live

; What changes by itself: time, counters, page directories, letters. All registers stay.
draw_live:
	pushad
	STRING	ebx, "       "
	cmp	byte [stay], 0
	je	.leaves
	STRING	ebx, "stays  "
.leaves:
	cmp	byte [paused], 0
	je	.runs
	STRING	ebx, "paused "
.runs:
	FORMAT	"%s speed %d %t s ", ebx, [speed_key], [story]
	mov	edi, AT(ROW_TITLE, 55)
	mov	ecx, 25
	mov	ah, COLOR_TITLE
	call	draw_text

	mov	eax, [ring1_world + BANK_CALLS]
	add	eax, [ring2_world + SAGE_CALLS]
	mov	[count_gates], eax
	mov	edi, AT(LOG_TEXT, LOG_WIDTH + 4)
	mov	ebx, counters
.counter:
	mov	edx, [ebx]
	FORMAT	"%12s %6d", [ebx + 4], [edx]
	mov	ah, COLOR_TEXT
	mov	ecx, 19
	call	draw_text
	add	edi, COLS * 2
	add	ebx, 8
	cmp	ebx, counters_end
	jb	.counter

	mov	ebp, thread_a
	call	.program
	mov	ebp, thread_b
	call	.program
	popad
	ret

; The directory, the state and the letter of program EBP. The kernel reads the letter by its physical address.
.program:
	mov	ebx, [ebp + thread.cr3]
	mov	edx, [ebp + thread.column]
	lea	edi, [VIDEO + edx * 2]
	STRING	esi, " gone "
	test	ebx, ebx
	jz	.directory
	FORMAT	" CR3 %8x ", ebx
.directory:
	push	edi
	add	edi, (ROW_PANES * COLS + 22) * 2
	mov	ecx, 14
	mov	ah, [ebp + thread.color]
	call	draw_text
	pop	edi
	push	edi
	add	edi, (ROW_PANES * COLS + 11) * 2
	mov	eax, [ebp + thread.state]
	mov	esi, [state_names + eax * 4]
	cmp	ebp, [current]
	jne	.state
	STRING	esi, " running "
.state:
	mov	ah, COLOR_TEXT
	mov	ecx, 9
	call	draw_text
	pop	edi
	add	edi, ROW_LETTER * COLS * 2
	mov	eax, LETTER
	call	translate
	STRING	esi, ""
	test	eax, eax
	jz	.letter
	shr	eax, 12
	mov	edx, eax
	shl	edx, 12
	FORMAT	"40400000 is %3x: %s", eax, edx
.letter:
	mov	ecx, PANE_WIDTH
	mov	ah, [ebp + thread.color]
	jmp	draw_text

; ---- panes and log scroll ----

; Scrolls the window at EDI, ECX cells wide, up by one of its EDX lines. EDI = its last line.
scroll:
	push	eax
	push	esi
.line:
	dec	edx
	jz	.done
	push	ecx
	push	edi
	lea	esi, [edi + COLS * 2]
	rep movsw
	pop	edi
	pop	ecx
	add	edi, COLS * 2
	jmp	.line
.done:
	pop	esi
	pop	eax
	ret

; The text at EDX becomes the next line of thread ESI's pane, in colour AH.
pane_line:
	pushad
	mov	ebx, [esi + thread.column]
	lea	edi, [AT(PANE_TEXT, 0) + ebx * 2]
	mov	esi, edx
	mov	edx, PANE_LINES
	mov	ecx, PANE_WIDTH
	call	scroll
	call	draw_text
	popad
	ret

; The text at ESI becomes the next line of the log, in colour AH.
log:
	pushad
	mov	edi, AT(LOG_TEXT, 1)
	mov	edx, LOG_LINES
	mov	ecx, LOG_WIDTH
	call	scroll
	call	draw_text
	popad
	ret

; Thread ESI's progress.
draw_bar:
	pushad
	mov	ecx, [esi + thread.bar_total]
	mov	eax, [esi + thread.bar_done]
	test	ecx, ecx
	jz	.done
	cmp	eax, ecx
	jbe	.fits
	mov	eax, ecx
.fits:
	imul	eax, eax, PANE_WIDTH
	xor	edx, edx
	div	ecx
	mov	ebx, [esi + thread.column]
	lea	edi, [AT(ROW_BAR, 0) + ebx * 2]
	mov	ebx, eax
	mov	ecx, eax
	mov	ah, [esi + thread.color]
	mov	al, 0xdb
	rep stosw
	mov	ecx, PANE_WIDTH
	sub	ecx, ebx
	mov	ax, COLOR_DIM << 8 | 0xb0
	rep stosw
.done:
	popad
	ret

; No progress to show any more.
clear_bars:
	push	edi
	mov	ecx, PANE_WIDTH
	mov	ax, COLOR_TEXT << 8 | ' '
	mov	edi, AT(ROW_BAR, 2)
	rep stosw
	mov	ecx, PANE_WIDTH
	mov	edi, AT(ROW_BAR, 42)
	rep stosw
	pop	edi
	ret

; A mark for each check: not yet, passed, failed.
draw_checks:
	pushad
	xor	ebx, ebx
	mov	edi, AT(ROW_CHECKS, 1)
.mark:
	mov	ax, COLOR_DIM << 8 | 0xfa
	cmp	byte [verdicts + ebx], VERDICT_PASSED
	jb	.draw
	mov	ax, COLOR_GOOD << 8 | 0xfe
	je	.draw
	mov	ax, COLOR_REFUSED << 8 | 'X'
.draw:
	stosw
	inc	ebx
	cmp	ebx, CHECKS
	jb	.mark
	add	edi, 4
	FORMAT	"%d of %d checks passed", [count_passed], CHECKS
	mov	ah, COLOR_TEXT
	mov	ecx, 30
	call	draw_text
	popad
	ret

; The text at ESI becomes the line that tells what happens, in colour AH.
draw_story:
	push	edi
	push	ecx
	mov	edi, AT(ROW_STORY, 0)
	mov	ecx, 1
	push	esi
	STRING	esi, " "
	call	draw_text
	pop	esi
	add	edi, 2
	mov	ecx, COLS - 1
	call	draw_text
	pop	ecx
	pop	edi
	ret

section kdata
box_top:	db 0xda, 0xc4, 0xbf
box_bottom:	db 0xc0, 0xc4, 0xd9

align 4
state_names:				; by THREAD_
	TEXT	" dead    "
	TEXT	" ready   "
	TEXT	" asleep  "
	TEXT	" waiting "

%macro COUNTER 2
	dd	%1
	TEXT	%2
%endmacro
align 4
counters:
	COUNTER	ticks, "timer ticks"
	COUNTER	count_switches, "switches"
	COUNTER	count_preempted, "preemptions"
	COUNTER	count_calls, "system calls"
	COUNTER	count_faults, "page faults"
	COUNTER	count_copies, "pages copied"
	COUNTER	count_refused, "refused"
	COUNTER	count_gates, "gate calls"
	COUNTER	free_frames, "free frames"
counters_end:

section bss
count_gates:	resd 1
