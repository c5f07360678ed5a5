"""The one way in which this program answers HTTP: `servers.server_of`, with bounds."""
