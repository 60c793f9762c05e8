# Installs vramd as a Windows service that starts with the machine.
#
#   .\install-service.ps1 [-Program C:\path\vramd.exe] [-Group "Users who may connect"]
#
# Run as an administrator. The service runs as LocalSystem in session 0, where it serves
# \\.\pipe\vramd to SYSTEM, administrators and the members of -Group. Some GPU drivers show no device
# in session 0: use install-agent.ps1 there, which runs vramd in the user's own session.
param(
  [string]$Program = (Join-Path $PSScriptRoot 'vramd.exe'),
  [string]$Group = ''
)
$ErrorActionPreference = 'Stop'

if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) {
  throw "There is no $Program; name vramd.exe by -Program."
}
# Whoever can write the program could make SYSTEM run something else.
if ($Program -notlike "$env:ProgramFiles\*") {
  Write-Warning "$Program is not below $env:ProgramFiles: make sure that only administrators can write it."
}
$logs = Join-Path $env:ProgramData 'vramd'
New-Item -ItemType Directory -Force -Path $logs | Out-Null

$command = "`"$Program`" --service --wait-for-device --log-file `"$logs\vramd.log`""
if ($Group) { $command += " --socket-group `"$Group`"" }
New-Service -Name vramd -BinaryPathName $command -DisplayName 'vramd' -StartupType Automatic `
  -Description 'Lends GPU memory between processes' | Out-Null
# Restarted after a crash: at once, after 5 s, then every minute.
& sc.exe failure vramd reset= 3600 actions= restart/0/restart/5000/restart/60000 | Out-Null
Start-Service -Name vramd
Get-Service -Name vramd
