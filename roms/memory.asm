; Frames, page tables, and the page fault: zero frames on demand, a copy on the first write to what is
; shared, and the end for whoever reaches for what is not theirs. SDM vol 3 4.3 (32-bit paging), 4.7.

section kernel

; The kernel's page table maps the first 4 MiB onto themselves for rings 0 to 2; page 0 is absent, so
; that a null pointer is a fault. All page directories share this table.
memory_init:
	mov	edi, kernel_table + 4
	mov	eax, 0x1000 | PTE_P | PTE_W
	mov	ecx, 1023
.map:
	stosd
	add	eax, 0x1000
	loop	.map
	mov	dword [kernel_directory], kernel_table + PTE_P + PTE_W
	mov	eax, POOL		; all frames are free
	mov	edi, free_list
	mov	ecx, POOL_FRAMES
	mov	[free_frames], ecx
.free:
	stosd
	add	eax, 0x1000
	loop	.free
	mov	eax, kernel_directory
	mov	cr3, eax
	mov	eax, cr0
	or	eax, CR0_PG | CR0_WP
	mov	cr0, eax
	ret

; EAX = a frame full of zeros, used once.
frame_new:
	push	ecx
	push	edi
	mov	ecx, [free_frames]
	test	ecx, ecx
	jz	.none
	dec	dword [free_frames]
	mov	edi, [free_list + (ecx - 1) * 4]
	push	edi
	xor	eax, eax
	mov	ecx, 1024
	rep stosd
	pop	eax
	call	frame_use
	pop	edi
	pop	ecx
	ret
.none:
	STRING	esi, "no frame is left"
	jmp	panic

; One more user of frame EAX.
frame_use:
	push	eax
	shr	eax, 12
	inc	byte [frame_users + eax - (POOL >> 12)]
	pop	eax
	ret

; One user less of frame EAX; the last one frees it.
frame_drop:
	push	ecx
	mov	ecx, eax
	shr	ecx, 12
	dec	byte [frame_users + ecx - (POOL >> 12)]
	jnz	.used
	mov	ecx, [free_frames]
	mov	[free_list + ecx * 4], eax
	inc	dword [free_frames]
.used:
	pop	ecx
	ret

; EDI = address of the page table entry for address EAX in directory EBX; CF when there is no table.
find_entry:
	push	eax
	mov	edi, eax
	shr	edi, 22
	mov	edi, [ebx + edi * 4]
	test	edi, PTE_P
	jz	.none
	and	edi, ~0xfff
	shr	eax, 10
	and	eax, 0xffc
	add	edi, eax
	pop	eax
	ret
.none:
	pop	eax
	stc
	ret

; Maps address EAX to entry EDX (frame and flags) in directory EBX; makes the table if there is none.
map_page:
	push	edi
	call	find_entry
	jnc	.table
	push	eax
	push	eax
	call	frame_new
	pop	edi
	shr	edi, 22
	or	eax, PTE_P | PTE_W | PTE_U
	mov	[ebx + edi * 4], eax
	pop	eax
	call	find_entry
.table:
	mov	[edi], edx
	invlpg	[eax]
	pop	edi
	ret

; EAX = physical address of the page of address EAX in directory EBX; 0 when it is absent.
translate:
	push	edi
	test	ebx, ebx
	jz	.absent
	call	find_entry
	jc	.absent
	mov	eax, [edi]
	test	eax, PTE_P
	jz	.absent
	and	eax, ~0xfff
	pop	edi
	ret
.absent:
	xor	eax, eax
	pop	edi
	ret

; EBX = a new address space with the program at ESI, ECX bytes, and the letter.
space_new:
	call	frame_new
	mov	ebx, eax
	mov	dword [ebx], kernel_table + PTE_P + PTE_W
	mov	eax, PROGRAM
.page:
	push	eax
	call	frame_new
	mov	edx, eax
	pop	eax
	push	ecx
	cmp	ecx, 4096
	jbe	.copy
	mov	ecx, 4096
.copy:
	mov	edi, edx
	rep movsb
	pop	ecx
	or	edx, PTE_P | PTE_U
	call	map_page
	add	eax, 4096
	sub	ecx, 4096
	ja	.page
	mov	eax, [letter]
	call	frame_use
	mov	edx, eax
	or	edx, PTE_P | PTE_U | PTE_COPY
	mov	eax, LETTER
	jmp	map_page

; Gives back every frame of the address space EBX, its tables and its directory.
space_free:
	mov	eax, kernel_directory	; nobody stands on it any more
	mov	cr3, eax
	mov	ecx, 1			; entry 0 is the kernel's
.table:
	mov	edx, [ebx + ecx * 4]
	test	edx, PTE_P
	jz	.next_table
	and	edx, ~0xfff
	xor	edi, edi
.page:
	mov	eax, [edx + edi * 4]
	test	eax, PTE_P
	jz	.next_page
	and	eax, ~0xfff
	call	frame_drop
.next_page:
	inc	edi
	cmp	edi, 1024
	jb	.page
	mov	eax, edx
	call	frame_drop
.next_table:
	inc	ecx
	cmp	ecx, 1024
	jb	.table
	mov	eax, ebx
	jmp	frame_drop

; ---- vector 14: EBP = frame ----
page_fault:
	inc	dword [count_faults]
	mov	eax, cr2
	mov	esi, [current]
	mov	ebx, [esi + thread.cr3]
	mov	ecx, [ebp + frame.error]
	test	cl, FAULT_U
	jz	.kernel
	test	cl, FAULT_P
	jnz	.protected
	cmp	eax, HEAP
	jb	.not_yours
	cmp	eax, HEAP_END
	jb	.zero
	cmp	eax, STACK_LOW
	jb	.not_yours
	cmp	eax, STACK_TOP
	jae	.not_yours
.zero:
	inc	dword [esi + thread.zero_frames]
	mov	ecx, eax
	call	frame_new
	mov	edx, eax
	or	edx, PTE_P | PTE_W | PTE_U
	mov	eax, ecx
	call	map_page
	shr	edx, 12
	call	ring_of_trap
	FORMAT	"%t  %c   %d   #PF  %4x  %8x      zero frame %3x", [story], [esi + thread.name], \
		ecx, [ebp + frame.error], eax, edx
	mov	ah, COLOR_FAULT
	jmp	log

.protected:
	test	cl, FAULT_W
	jz	.not_yours
	call	find_entry
	jc	.not_yours
	test	dword [edi], PTE_COPY
	jz	.not_yours
	call	unshare
	call	ring_of_trap
	FORMAT	"%t  %c   %d   #PF  %4x  %8x      %s %3x", [story], [esi + thread.name], \
		ecx, [ebp + frame.error], eax, edi, edx
	mov	ah, COLOR_FAULT
	jmp	log

.not_yours:
	mov	[esi + thread.fatal_address], eax
	call	ring_of_trap
	FORMAT	"%t  %c   %d   #PF  %4x  %8x      %c is ended", [story], [esi + thread.name], \
		ecx, [ebp + frame.error], eax, [esi + thread.name]
	mov	ah, COLOR_REFUSED
	call	log
	jmp	thread_end_by_trap

.kernel:
	STRING	esi, "page fault in the kernel"
	jmp	panic_trap

; The first write to a shared page at address EAX, entry EDI, of directory EBX: it becomes a copy, or the
; page itself when nobody else has it any more. EDI = a word for what was done, EDX = the frame's number.
unshare:
	push	esi
	push	ecx
	push	eax
	mov	esi, [edi]
	and	esi, ~0xfff
	mov	edx, esi
	mov	ecx, esi
	shr	ecx, 12
	STRING	edi, "its own now"
	cmp	byte [frame_users + ecx - (POOL >> 12)], 1
	je	.map
	inc	dword [count_copies]
	mov	eax, esi
	call	frame_drop			; the other still holds it
	call	frame_new
	mov	edx, eax
	mov	edi, eax
	mov	ecx, 1024
	rep movsd
	STRING	edi, "copied to"
.map:
	pop	eax
	or	edx, PTE_P | PTE_W | PTE_U
	call	map_page
	shr	edx, 12
	pop	ecx
	pop	esi
	ret

section bss
		resb ($$ - $) & 4095
kernel_directory: resb 4096
kernel_table:	resb 4096
free_list:	resd POOL_FRAMES
frame_users:	resb POOL_FRAMES
free_frames:	resd 1
letter:		resd 1			; the frame that both spaces begin with
count_faults:	resd 1
count_copies:	resd 1
