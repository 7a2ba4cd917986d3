; Services in rings 1 and 2, behind call gates. Each lives in two small segments of its own, code and
; data with the stacks; the gate copies one parameter from the caller's stack. SDM vol 3 5.8.

; ---- ring 1: the bank keeps one balance for both programs ----
BANK_BALANCE	equ 0
BANK_CALLS	equ 4

section ring1
ring1_start:
; Parameter: an amount to pay in; 0 asks ring 1 to try CLI, which is ring 0's, for IOPL is 0.
; EAX = the new balance, EDX = the CS it ran with.
ring1_bank:
	push	ds
	mov	ax, ss
	mov	ds, ax
	lock inc dword [BANK_CALLS]
	mov	eax, [esp + 12]			; above DS, EIP, CS
	test	eax, eax
	jz	.forbidden
	mov	edx, eax
	lock xadd [BANK_BALANCE], eax
	add	eax, edx
	jmp	.done
.forbidden:
	cli
.done:
	mov	edx, cs
	pop	ds
	retf	4
RING1_SIZE	equ $ - ring1_start

; ---- ring 2: the sage knows square roots ----
SAGE_CALLS	equ 0

section ring2
ring2_start:
; Parameter: a number; 0 asks ring 2 to try for the data of ring 1.
; EAX = the root, rounded down, EDX = the CS it ran with.
ring2_sage:
	push	ds
	push	ecx
	mov	ax, ss
	mov	ds, ax
	lock inc dword [SAGE_CALLS]
	mov	ecx, [esp + 16]
	test	ecx, ecx
	jz	.forbidden
	xor	eax, eax			; 1 + 3 + 5 + ... + (2n - 1) = n * n
	mov	edx, 1
.odd:
	sub	ecx, edx
	jb	.done
	inc	eax
	add	edx, 2
	jmp	.odd
.forbidden:
	mov	ax, RING1_DS
	mov	ds, ax
.done:
	mov	edx, cs
	pop	ecx
	pop	ds
	retf	4
RING2_SIZE	equ $ - ring2_start
