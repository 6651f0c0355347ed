"""Programs with SDKs of their own, run as agents against the evaluated model."""

from solvers.agents._bridge._agent_bridge import AgentBridge, agent_bridge
from solvers.agents._bridge._bridge import bridge

__all__ = ["AgentBridge", "agent_bridge", "bridge"]
