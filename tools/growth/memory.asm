; Cost of memory: a read and a write in each 4 KiB page of MIB, ROUNDS times. All of it is mapped by the guest's tables,
; onto itself, in pages of 4 KiB.
%include "guest.inc"
DIRECTORY equ 0x200000
TABLES equ 0x400000
FIRST equ 0x1000000
LAST equ FIRST + (MIB << 20)
RW equ 3

start:
	mov edi, TABLES
	mov eax, RW
.fill:
	stosd
	add eax, 0x1000
	cmp eax, LAST
	jb .fill
	mov edi, DIRECTORY
	mov eax, TABLES | RW
.table:
	stosd
	add eax, 0x1000
	cmp eax, TABLES + (((LAST + 0x3fffff) >> 22) << 12)
	jb .table
	mov eax, DIRECTORY
	mov cr3, eax
	mov eax, cr0
	or eax, 0x80000000
	mov cr0, eax

	mov ecx, ROUNDS
	jecxz .end
.round:
	mov edi, FIRST
	xor edx, edx
.touch:
	add [edi + edx], ecx
	add edx, 64             ; another set of the host's cache each time
	and edx, 0xfff
	add edi, 0x1000
	cmp edi, LAST
	jb .touch
	dec ecx
	jnz .round
.end:
	jmp finish
