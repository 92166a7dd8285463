"""Questions, their answers, and the thread that runs them: free of torch, `handlers` aside.

answerer: What answers requests, and how much of the machine it may use.
answers: What comes back from the worker: plain values in host memory.
board: Which requests are wanted, each once, and by whom.
downloads: What is done to models without holding anything up: a process of its own that prints
    JSON.
kept: Answers that nobody shows any more, kept for when they are asked for again.
progress: How far the running jobs are, for the status bar.
questions: What panes can ask for, a module a subject.
request: What every question says of itself: what it is about, and how long it may wait.
requests: What a pane can ask for: frozen, self-contained values. Equal requests have equal
    answers.
runner: The window's handle on the worker: submit a request, hear of its answers.
tickets: Which jobs are still needed: the only state that two threads share.
worker: The thread that computes: one step of one job at a time.
"""
