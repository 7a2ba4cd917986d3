; Program A, in ring 3: sieves primes in pages that it has never asked for, places queens, and tries what
; only a kernel may.

section prog_a
program_a:
	SAY	"I am A, at &, in ring 3", PROGRAM
	CHAPTER	1
	mov	eax, cs
	and	eax, 3
	CHECK	"A runs in ring 3", eax, 3
	ASK	ASK_FRAME, LETTER
	mov	esi, eax
	ASK	ASK_PEER_FRAME, LETTER
	CHECK	"both letters are one frame", eax, esi
	SAY	"we both see one letter; I write mine"
	SLEEP	60
	mov	edi, LETTER
	mov	esi, a_letter
	mov	ecx, a_letter_end - a_letter
	rep movsb
	SLEEP	60				; B writes, too
	ASK	ASK_FRAME, LETTER
	mov	esi, eax
	ASK	ASK_PEER_FRAME, LETTER
	sub	eax, esi
	setne	al
	movzx	eax, al
	CHECK	"two letters are two frames", eax, 1
	CHECK	"A reads what A wrote", [LETTER], "Ada "

	CHAPTER	2
	call	a_primes
	CHAPTER	3
	call	a_queens

	CHAPTER	4
	TRY	"CLI", 0, 3, {cli}
	TRY	"HLT", 0, 3, {hlt}
	TRY	"MOV CR3", 0, 3, {xor eax, eax}, {mov cr3, eax}
	TRY	"INVLPG", 0, 3, {invlpg [LETTER]}
	pushfd
	pop	eax
	and	eax, EFLAGS_IF
	CHECK	"interrupts are still on", eax, EFLAGS_IF

	CHAPTER	5
	push	dword 100
	call	BANK_GATE:0
	mov	esi, eax
	mov	edi, edx
	and	edi, 3
	SAY	"paid 100 in; the bank ran in ring %", edi
	CHECK	"the bank runs in ring 1", edi, 1
	SLEEP	30
	push	dword 0
	call	BANK_GATE:0
	ASK	ASK_TRAP
	CHECK	"CLI is refused in ring 1", eax, 1 << 24 | 13 << 16
	SLEEP	40
	push	dword 1
	call	BANK_GATE:0
	mov	esi, eax
	SAY	"the balance of both is now %", esi
	CHECK	"the bank serves both programs", esi, 100 + 23 + 1

	CHAPTER	6
	sub	esp, 8
	sgdt	[esp]
	mov	esi, [esp + 2]
	SAY	"SGDT: the kernel's GDT: &", esi
	CHECK	"SGDT tells ring 3 the truth", esi, gdt
	sidt	[esp]
	mov	esi, [esp + 2]
	SAY	"SIDT: the kernel's IDT: &", esi
	CHECK	"SIDT tells ring 3 the truth", esi, idt
	add	esp, 8
	SLEEP	40
	xor	eax, eax
	str	eax
	mov	esi, eax
	SAY	"STR:  its task register: &", esi
	CHECK	"STR tells ring 3 the truth", esi, TSS_SELECTOR
	ASK	ASK_TRAP
	CHECK	"none of A's trapped", eax, 0

	CHAPTER	7
	mov	esi, 200			; B is doomed, but give it time
.wait:
	SLEEP	1
	ASK	ASK_PEER_ALIVE
	test	eax, eax
	jz	.ended
	dec	esi
	jnz	.wait
.ended:
	CHECK	"B is no more", eax, THREAD_DEAD
	ASK	ASK_PEER_FATAL
	CHECK	"B died of #PF: user, write, present", eax, 3 << 24 | 14 << 16 | FAULT_U | FAULT_W | FAULT_P
	ASK	ASK_PEER_ADDRESS
	CHECK	"CR2 said where", eax, canary
	ASK	ASK_CANARY
	CHECK	"the kernel's word is untouched", eax, CANARY
	SAY	"I have outlived B. Good night."
	SLEEP	60
	mov	eax, CALL_EXIT
	int	0x80

; The sieve of Eratosthenes over 64 pages, a byte a number.
A_NUMBERS	equ 64 * 4096
a_primes:
	SAY	"I touch 64 pages, one by one"
	ASK	ASK_ZERO_FRAMES
	push	eax
	xor	esi, esi
	xor	edi, edi			; everything that is found in them
.touch:
	or	edi, [HEAP + esi]
	or	edi, [HEAP + esi + 4092]
	add	esi, 4096
	mov	edx, esi
	shr	edx, 12
	BAR	edx, 64
	SLEEP	1
	cmp	esi, A_NUMBERS
	jb	.touch
	ASK	ASK_ZERO_FRAMES
	pop	esi
	sub	eax, esi
	CHECK	"64 pages, 64 page faults", eax, 64
	CHECK	"new pages hold nothing but zeros", edi, 0

	mov	ebx, 2
.prime:
	cmp	byte [HEAP + ebx], 0
	jne	.composite
	mov	eax, ebx
	mul	ebx
.strike:
	cmp	eax, A_NUMBERS
	jae	.composite
	mov	byte [HEAP + eax], 1
	add	eax, ebx
	jmp	.strike
.composite:
	inc	ebx
	cmp	ebx, 512			; the root of A_NUMBERS
	jb	.prime
	xor	esi, esi
	mov	ebx, 2
.count:
	cmp	byte [HEAP + ebx], 1		; sets the carry flag for a prime
	adc	esi, 0
	inc	ebx
	cmp	ebx, A_NUMBERS
	jb	.count
	SAY	"% primes below %", esi, A_NUMBERS
	CHECK	"primes below 262144", esi, 23000
	ret

; The ways to place 12 queens, one in a row, none threatening another.
A_QUEENS	equ 12
A_COLUMNS	equ (1 << A_QUEENS) - 1
a_queens:
	SAY	"I place % queens", A_QUEENS
	xor	edi, edi			; solutions
	mov	esi, 1				; the first queen's column
.column:
	mov	eax, esi
	lea	ebx, [esi * 2]
	mov	ecx, esi
	shr	ecx, 1
	push	esi
	call	.row
	pop	esi
	bsf	edx, esi
	inc	edx
	BAR	edx, A_QUEENS
	add	esi, esi
	cmp	esi, A_COLUMNS
	jb	.column
	SAY	"there are % ways", edi
	CHECK	"ways to place 12 queens", edi, 14200
	ASK	ASK_PREEMPTED
	cmp	eax, 1
	sbb	eax, eax
	inc	eax
	CHECK	"the timer took the processor from A", eax, 1
	ret
; Threatened columns: EAX straight, EBX and ECX along the diagonals. EDI counts.
.row:
	cmp	eax, A_COLUMNS
	je	.solution
	mov	edx, eax
	or	edx, ebx
	or	edx, ecx
	not	edx
	and	edx, A_COLUMNS			; where a queen may stand
.next:
	test	edx, edx
	jz	.done
	mov	esi, edx
	neg	esi
	and	esi, edx
	xor	edx, esi
	push	eax
	push	ebx
	push	ecx
	push	edx
	or	eax, esi
	or	ebx, esi
	add	ebx, ebx
	or	ecx, esi
	shr	ecx, 1
	call	.row
	pop	edx
	pop	ecx
	pop	ebx
	pop	eax
	jmp	.next
.solution:
	inc	edi
.done:
	ret

a_letter:	db "Ada was here", 0
a_letter_end:
PROGRAM_A_SIZE	equ $ - program_a
