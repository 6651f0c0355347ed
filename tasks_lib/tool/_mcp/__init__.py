"""Tools that servers of the Model Context Protocol have."""

from tasks_lib.tool._mcp._connection import mcp_connection
from tasks_lib.tool._mcp._sampler import Sampler, serve_sampling
from tasks_lib.tool._mcp._server import MCPServer, mcp_tools
from tasks_lib.tool._mcp._servers import mcp_server_http, mcp_server_sse, mcp_server_stdio

__all__ = [
    "MCPServer",
    "Sampler",
    "mcp_connection",
    "mcp_server_http",
    "mcp_server_sse",
    "mcp_server_stdio",
    "mcp_tools",
    "serve_sampling",
]
