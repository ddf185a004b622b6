"""Operations of the network with a fast path, each beside its plain reference."""
