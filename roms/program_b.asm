; Program B, in ring 3: grows its stack, walks Collatz's sequences, tries more that is forbidden, and
; at last reaches for the kernel's memory.

section prog_b
program_b:
	SAY	"I am B, at & as well", PROGRAM
	CHAPTER	1
	mov	eax, cs
	and	eax, 3
	CHECK	"B runs in ring 3", eax, 3
	SAY	"I write to mine a moment later"
	SLEEP	90
	mov	edi, LETTER
	mov	esi, b_letter
	mov	ecx, b_letter_end - b_letter
	rep movsb
	SLEEP	30
	CHECK	"B reads what B wrote", [LETTER], "Bob "

	CHAPTER	2
	call	b_ackermann
	CHAPTER	3
	call	b_collatz

	CHAPTER	4
	TRY	"OUT 20h", 0, 3, {mov al, 0x20}, {out 0x20, al}
	TRY	"LGDT", 0, 3, {lgdt [LETTER]}
	TRY	"MOV DS, kernel's", KERNEL_DS, 3, {mov eax, KERNEL_DS}, {mov ds, ax}
	TRY	"INT 20h", 0x20 * 8 + 2, 3, {int 0x20}

	CHAPTER	5
	push	dword 23
	call	BANK_GATE:0
	push	dword 1764
	call	SAGE_GATE:0
	mov	esi, eax
	mov	edi, edx
	and	edi, 3
	SAY	"the sage in ring %: root 1764 is %", edi, esi
	CHECK	"the sage runs in ring 2", edi, 2
	CHECK	"the root of 1764", esi, 42
	SLEEP	50
	push	dword 0
	call	SAGE_GATE:0
	ASK	ASK_TRAP
	CHECK	"ring 2 is refused the segment of ring 1", eax, 2 << 24 | 13 << 16 | (RING1_DS & ~3)

	CHAPTER	6
	xor	eax, eax
	smsw	ax
	and	eax, 1
	mov	esi, eax
	SAY	"SMSW: CR0.PE is %", esi
	CHECK	"SMSW tells ring 3 the truth", esi, 1
	SLEEP	40
	pushfd
	pop	eax
	and	eax, ~EFLAGS_IF
	push	eax
	popfd					; without a trap, and without effect
	pushfd
	pop	esi
	shr	esi, 9
	and	esi, 1
	SAY	"POPF with IF = 0: IF is still %", esi
	CHECK	"POPF leaves IF alone in ring 3", esi, 1
	ASK	ASK_TRAP
	CHECK	"none of B's trapped", eax, 0

	CHAPTER	7
	SAY	"now I write to &...", canary
	SLEEP	40
	mov	dword [canary], 0
	SAY	"nobody stopped me!"
	mov	eax, CALL_EXIT
	int	0x80

; Ackermann's function needs little but stack: some 2000 calls deep, and the stack is made as it grows.
b_ackermann:
	SAY	"I recurse: my stack grows on demand"
	ASK	ASK_ZERO_FRAMES
	mov	esi, eax
	mov	edi, 1
.step:
	mov	eax, 3
	mov	ebx, edi
	call	.ackermann
	push	ebx
	BAR	edi, 8
	SLEEP	8
	pop	ebx
	inc	edi
	cmp	edi, 8
	jbe	.step
	mov	edi, ebx
	SAY	"Ackermann (3, 8) = %", edi
	CHECK	"Ackermann (3, 8)", edi, 2045
	ASK	ASK_ZERO_FRAMES
	sub	eax, esi
	CHECK	"the stack has grown by three pages", eax, 3
	ret
; EBX = A (EAX, EBX)
.ackermann:
	test	eax, eax
	jz	.next
	test	ebx, ebx
	jz	.zero
	push	eax
	dec	ebx
	call	.ackermann
	pop	eax
	dec	eax
	jmp	.ackermann
.zero:
	dec	eax
	inc	ebx
	jmp	.ackermann
.next:
	inc	ebx
	ret

; Which number below 100000 takes most steps to 1, if n becomes n / 2 or 3n + 1?
B_LIMIT		equ 100000
b_collatz:
	SAY	"I follow Collatz's numbers"
	mov	esi, 1
	xor	edi, edi			; the longest so far
	xor	ebp, ebp			; and whose it is
.number:
	mov	eax, esi
	xor	ecx, ecx
.follow:
	cmp	eax, 1
	je	.one
	inc	ecx
	shr	eax, 1
	jnc	.follow
	lea	eax, [eax * 2 + 1]		; what it was, odd
	lea	eax, [eax * 2 + eax + 1]
	jmp	.follow
.one:
	cmp	ecx, edi
	jbe	.shorter
	mov	edi, ecx
	mov	ebp, esi
.shorter:
	inc	esi
	test	esi, 0xfff
	jnz	.quiet
	BAR	esi, B_LIMIT
.quiet:
	cmp	esi, B_LIMIT
	jb	.number
	BAR	1, 1
	SAY	"% takes % steps", ebp, edi
	CHECK	"the longest way below 100000", ebp, 77031
	CHECK	"its steps", edi, 350
	ASK	ASK_PREEMPTED
	cmp	eax, 1
	sbb	eax, eax
	inc	eax
	CHECK	"the timer took the processor from B", eax, 1
	ret

b_letter:	db "Bob was here", 0
b_letter_end:
PROGRAM_B_SIZE	equ $ - program_b
