"""The fakes that stand for a reranker and a rewriter keep the contract of their ports."""

import pytest

from graphmem.testing.fakes import PhraseRewriter, WordReranker
from graphmem.testing.rerank import RerankerConformance, RewriterConformance


class TestWordReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self) -> WordReranker:
        return WordReranker()


class TestPhraseRewriter(RewriterConformance):
    @pytest.fixture
    def rewriter(self) -> PhraseRewriter:
        return PhraseRewriter({"boat": "ferry", "repair": "mend"})
