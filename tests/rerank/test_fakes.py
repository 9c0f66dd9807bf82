"""The fakes of a selector, a reranker and a rewriter keep the contract of their ports."""

import pytest

from graphmem.testing.fakes import PhraseRewriter, WordReranker, WordSelector
from graphmem.testing.rerank import RerankerConformance, RewriterConformance
from graphmem.testing.selecting import AnswerSelectorConformance


class TestWordSelector(AnswerSelectorConformance):
    @pytest.fixture
    def selector(self) -> WordSelector:
        return WordSelector()


class TestWordReranker(RerankerConformance):
    @pytest.fixture
    def reranker(self) -> WordReranker:
        return WordReranker()


class TestPhraseRewriter(RewriterConformance):
    @pytest.fixture
    def rewriter(self) -> PhraseRewriter:
        return PhraseRewriter({"boat": "ferry", "repair": "mend"})
