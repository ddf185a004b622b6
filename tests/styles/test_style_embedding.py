import torch

from stylekernel_hf.styles.embedding import StyleEmbedding


def test_all_parts_move_to_the_dtype():
    key, value, code = torch.randn(1, 4, 3), torch.randn(1, 4, 5), torch.randn(1, 6)
    moved = StyleEmbedding(key, value, code).to(torch.device("cpu"), torch.bfloat16)
    assert torch.equal(moved.key, key.bfloat16())
    assert torch.equal(moved.value, value.bfloat16())
    assert torch.equal(moved.code, code.bfloat16())
