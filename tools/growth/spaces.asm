; Cost of address spaces: SPACES of them, each with 32 pages of its own at one linear address. A round is a MOV to CR3
; and a read and a write in each page, for every space.
%include "guest.inc"
KERNEL_TABLE equ 0x200000 ; maps the first 4 MiB onto themselves, in every space
SPACE equ 0x1000000       ; the first space: directory, table, its pages; each is SPACE_BYTES
PAGES equ 32
SPACE_BYTES equ (PAGES + 2) << 12
WINDOW equ 0x40000000
RW equ 3                  ; present, writable

start:
	mov edi, KERNEL_TABLE
	mov eax, RW
.identity:
	stosd
	add eax, 0x1000
	cmp eax, 0x400000
	jb .identity

	mov ebx, SPACE
	mov ecx, SPACES
.space:
	mov dword [ebx], KERNEL_TABLE | RW
	lea eax, [ebx + 0x1000 + RW]
	mov [ebx + (WINDOW >> 22) * 4], eax
	lea edi, [ebx + 0x1000]
	lea eax, [ebx + 0x2000 + RW]
	mov edx, PAGES
.page:
	stosd
	add eax, 0x1000
	dec edx
	jnz .page
	add ebx, SPACE_BYTES
	dec ecx
	jnz .space

	mov eax, SPACE
	mov cr3, eax
	mov eax, cr0
	or eax, 0x80000000
	mov cr0, eax

	mov ebp, ROUNDS
.round:
	mov ebx, SPACE
	mov ecx, SPACES
.switch:
	mov cr3, ebx
	mov edi, WINDOW
	mov edx, PAGES
.touch:
	add [edi], edx
	add edi, 0x1000 + 64
	dec edx
	jnz .touch
	add ebx, SPACE_BYTES
	dec ecx
	jnz .switch
	dec ebp
	jnz .round
	jmp finish
