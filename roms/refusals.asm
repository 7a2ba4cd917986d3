; General protection: somebody has tried what their ring may not do. The kernel reads the instruction,
; says who tried what, and goes on behind it. What is not in the table ends the program.
;
; To let the kernel know another instruction, add a line to the table; to let a program try one, see TRY
; in user.inc.

section kernel

general_protection:
	call	trap_word
	mov	esi, [current]
	mov	[esi + thread.trap], eax
	call	ring_of_trap
	test	ecx, ecx
	jz	.kernel
	mov	eax, [ebp + frame.eip]
	cmp	ecx, 3
	je	.program
	mov	edx, gdt + (RING1_CS & ~7)	; rings 1 and 2: their code segments have a base
	cmp	ecx, 1
	je	.based
	mov	edx, gdt + (RING2_CS & ~7)
.based:
	mov	ebx, [edx + 2]
	and	ebx, 0xffffff
	add	eax, ebx
	jmp	.read
.program:
	mov	edx, eax
	sub	edx, PROGRAM
	cmp	edx, 0x10000
	jae	.unknown
.read:
	call	find_refused			; EDI = its line, EDX = its length
	jc	.unknown
	mov	eax, [edi + refused.privileged]
	add	[count_refused], eax
	add	[ebp + frame.eip], edx
	FORMAT	"%t  %c   %d   #GP  %4x  %14sskipped", [story], [esi + thread.name], ecx, \
		[ebp + frame.error], [edi + refused.name]
	mov	ah, COLOR_REFUSED
	jmp	log
.unknown:
	FORMAT	"%t  %c   %d   #GP  %4x  eip %8x  %c is ended", [story], [esi + thread.name], ecx, \
		[ebp + frame.error], [ebp + frame.eip], [esi + thread.name]
	mov	ah, COLOR_REFUSED
	call	log
	jmp	thread_end_by_trap
.kernel:
	STRING	esi, "general protection in the kernel"
	jmp	panic_trap

; Looks the instruction at EAX up: EDI = its line in the table, EDX = its length; CF when it has none.
; An instruction that names its operation in ModRM has the register field as a column.
find_refused:
	push	ebx
	push	ecx
	movzx	edx, byte [eax]
	cmp	dl, 0x0f
	jne	.opcode
	inc	eax
	mov	dh, dl
	mov	dl, [eax]
.opcode:
	mov	cl, [eax + 1]
	shr	cl, 3
	and	ecx, 7
	mov	edi, refused_table
.line:
	cmp	[edi + refused.opcode], edx
	jne	.next
	cmp	dword [edi + refused.field], ANY
	je	.found
	cmp	[edi + refused.field], ecx
	je	.found
.next:
	add	edi, refused_size
	cmp	edi, refused_end
	jb	.line
	stc
	jmp	.done
.found:
	cmp	dh, 1				; CF set for a one-byte opcode
	cmc
	sbb	ecx, ecx
	neg	ecx				; 1 for the 0F
	mov	edx, [edi + refused.length]
	test	edx, edx
	jnz	.known				; the table gives it in full
	call	modrm_length
	lea	edx, [edx + ecx + 1]
.known:
	clc
.done:
	pop	ecx
	pop	ebx
	ret

; EDX = length of the ModRM byte at EAX + 1 with SIB and displacement (32-bit addressing, SDM vol 2 2.1.5).
modrm_length:
	mov	bl, [eax + 1]
	mov	edx, 1
	mov	bh, bl
	and	bl, 7
	shr	bh, 6
	cmp	bh, 3
	je	.done
	cmp	bl, 4
	jne	.displacement
	inc	edx
.displacement:
	cmp	bh, 1
	je	.byte
	cmp	bh, 2
	je	.dword
	cmp	bl, 5				; mod 0: an address, no register
	jne	.done
.dword:
	add	edx, 3
.byte:
	inc	edx
.done:
	ret

section kdata
ANY		equ 8
struc refused
.opcode		resd 1	; 0Fxx for two bytes
.field		resd 1	; ModRM's register field, or ANY
.length		resd 1	; in all; 0: ModRM says it
.privileged	resd 1	; 1 if only ring 0 may, 0 if a selector, limit or gate was refused
.name		resd 1
endstruc

%macro REFUSED 5
	dd	%1, %2, %3, %4
	TEXT	%5
%endmacro

align 4
refused_table:
	REFUSED	0xfa, ANY, 1, 1, "CLI"
	REFUSED	0xfb, ANY, 1, 1, "STI"
	REFUSED	0xf4, ANY, 1, 1, "HLT"
	REFUSED	0xe4, ANY, 2, 1, "IN AL,imm8"
	REFUSED	0xec, ANY, 1, 1, "IN AL,DX"
	REFUSED	0xe6, ANY, 2, 1, "OUT imm8,AL"
	REFUSED	0xee, ANY, 1, 1, "OUT DX,AL"
	REFUSED	0x0f01, 2, 0, 1, "LGDT"
	REFUSED	0x0f01, 3, 0, 1, "LIDT"
	REFUSED	0x0f01, 6, 0, 1, "LMSW"
	REFUSED	0x0f01, 7, 0, 1, "INVLPG"
	REFUSED	0x0f00, 2, 0, 1, "LLDT"
	REFUSED	0x0f00, 3, 0, 1, "LTR"
	REFUSED	0x0f06, ANY, 2, 1, "CLTS"
	REFUSED	0x0f08, ANY, 2, 1, "INVD"
	REFUSED	0x0f09, ANY, 2, 1, "WBINVD"
	REFUSED	0x0f20, ANY, 3, 1, "MOV r32,CRn"
	REFUSED	0x0f21, ANY, 3, 1, "MOV r32,DRn"
	REFUSED	0x0f22, 0, 3, 1, "MOV CR0,r32"
	REFUSED	0x0f22, 3, 3, 1, "MOV CR3,r32"
	REFUSED	0x0f22, 4, 3, 1, "MOV CR4,r32"
	REFUSED	0x0f23, ANY, 3, 1, "MOV DRn,r32"
	REFUSED	0x0f30, ANY, 2, 1, "WRMSR"
	REFUSED	0x0f32, ANY, 2, 1, "RDMSR"
	REFUSED	0x8e, ANY, 0, 0, "MOV Sreg,r16"
	REFUSED	0xcd, ANY, 2, 0, "INT imm8"
refused_end:

section bss
count_refused:	resd 1
