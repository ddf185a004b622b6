"""Stylizing whole collections of photos on a cluster, with Ray Data."""
