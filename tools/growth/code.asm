; Cost of code: COUNT instructions, all different places, executed ROUNDS times. A load, a store and a branch in eight.
%include "guest.inc"
DATA equ 0x60000

%macro sixteen 1
	mov eax, [esi + %1]
	add eax, edx
	xor ebx, eax
	lea edx, [edx + ebx * 2 + 12345]
	mov [esi + %1], ebx
	inc edi
	cmp eax, edx
	jb %%below
	add edi, ebx
%%below:
	mov eax, [esi + (%1 ^ 64)]
	shr eax, 3
	sub ebx, eax
	and edi, 0xffffff
	mov [esi + (%1 ^ 64)], edi
	or edx, 1
	test edi, edi
%endmacro

start:
	mov ecx, ROUNDS
	xor eax, eax
	xor ebx, ebx
	mov edx, 12345
	mov esi, DATA
again:
%assign n 0
%rep COUNT / 16
	sixteen n
%assign n (n + 4) & 127
%endrep
	dec ecx
	jnz near again
	jmp finish
