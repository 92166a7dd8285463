"""Every head at a glance: thumbnails of attention by layer or ranked by a score, or the scores.

all_heads: The grid of all heads with what ranks them, the magnifier, and the rules of their
    roles.
cards: What is known of each head of the grid, in words.
grid: Every head as a thumbnail or a score, painted as one picture, by layer or ranked.
image: From every head's attention to one picture of thumbnails.
layout: Which heads stand where in the grid: geometry without a widget.
magnifier: One head of the grid, large, in the corner away from the pointer.
paint: How each part of the grid of heads is painted.
panels: The grid of all heads as panels of figures: every pattern small, and what ranks the
    heads.
rank_bar: The switches of the grid: what ranks the heads, and how they are arranged.
ranking: From a score that heads are ranked by to a question, and from its answer to numbers.
role_rules: The rules by which roles are proposed: each a sentence, its numbers, and the heads
    it names.
"""
